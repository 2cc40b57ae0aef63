"""Seconds of processor time that hashlib takes for one password, as JSON."""

import hashlib
import json
import sys
import time

iterations = int(sys.argv[1])
password, salt = b"a long walk along the sea", bytes(16)
# A core that was idle takes a moment to reach its speed.
hashlib.pbkdf2_hmac("sha256", password, salt, iterations // 10)
began = time.process_time()
hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
print(json.dumps({"seconds": time.process_time() - began}))
