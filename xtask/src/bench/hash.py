"""Prints the seconds of processor time that hashlib takes for one password, as JSON."""

import hashlib
import json
import sys
import time

iterations = int(sys.argv[1])
password, salt = b"a long walk along the sea", bytes(16)
# An idle core takes a moment to reach its full frequency.
hashlib.pbkdf2_hmac("sha256", password, salt, iterations // 10)
started = time.process_time()
hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
print(json.dumps({"seconds": time.process_time() - started}))
