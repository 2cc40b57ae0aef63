"""Checks the Python sample of docs/embedding/verify-tokens.md: check.py SAMPLE ISSUER LATCHKEY

The sample must accept tokens of the server at ISSUER, before and after a rotation of its keys, and
reject altered tokens. LATCHKEY is the program. LATCHKEY_DATABASE names its database.
"""

import base64
import io
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm

sample, issuer, latchkey = sys.argv[1:]
credentials = {"email": "ada@example.com", "password": "a long walk along the sea"}


def load(url):
    """Returns the module of the sample, with this issuer and no cached keys."""
    with open(sample) as file:
        source = file.read()
    assert "https://auth.example.com" in source
    module = {}
    exec(source.replace("https://auth.example.com", url), module)
    return module


def log_in():
    request = urllib.request.Request(
        f"{issuer}/api/token",
        json.dumps(credentials).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["access_token"]


def rejects(verify, token):
    try:
        verify(token)
    except jwt.PyJWTError:
        return True
    return False


def is_unavailable(module, token):
    try:
        module["verify"](token)
    except module["KeysUnavailable"]:
        return True
    return False


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

    def get_stderr(self):
        return Quiet.log


def request(module, authorization):
    """Sends a request to the app of the sample. Returns status, WWW-Authenticate, body and log."""
    Quiet.log = io.StringIO()
    service = make_server("127.0.0.1", 0, module["app"], handler_class=Quiet)
    thread = threading.Thread(target=service.handle_request)
    thread.start()
    headers = {"Authorization": authorization} if authorization is not None else {}
    url = f"http://127.0.0.1:{service.server_port}"
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
    except urllib.error.HTTPError as error:
        response = error
    with response:
        body = response.read().decode()
    thread.join()
    service.server_close()
    return response.status, response.headers["WWW-Authenticate"], body, Quiet.log.getvalue()


class KeySet(BaseHTTPRequestHandler):
    """A key set with a key that signs the altered tokens, and with one of another kind.

    `broken` is the status and the body of the response instead.
    """

    key = Ed25519PrivateKey.generate()
    p256 = ec.generate_private_key(ec.SECP256R1())
    fetches = 0
    broken = None

    def do_GET(self):
        KeySet.fetches += 1
        x = base64.urlsafe_b64encode(public_key()).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "key-1", "use": "sig", "alg": "EdDSA"}
        p256 = ECAlgorithm.to_jwk(KeySet.p256.public_key(), as_dict=True) | {"kid": "p256"}
        status, body = KeySet.broken or (200, json.dumps({"keys": [key, p256]}))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def public_key():
    return KeySet.key.public_key().public_bytes_raw()


# The tokens of the server.
subprocess.run([latchkey, "users", "grant", credentials["email"], "admin"], check=True, stdout=subprocess.DEVNULL)
module = load(issuer)
old = log_in()
claims = module["verify"](old)
assert claims["iss"] == claims["aud"] == issuer, claims
assert uuid.UUID(claims["sub"]), claims
head, body, signature = old.split(".")
changed = "A" if signature[0] != "A" else "B"
assert rejects(module["verify"], f"{head}.{body}.{changed}{signature[1:]}")
assert rejects(module["verify"], "")
assert claims["roles"] == ["admin"], claims

# The endpoint.
status, challenge, body, log = request(module, f"Bearer {old}")
assert (status, challenge, log) == (200, None, ""), (status, challenge, log)
assert json.loads(body) == {"user": claims["sub"], "roles": ["admin"]}, body
assert request(module, f"bearer  {old}")[0] == 200
for authorization in [None, "", "Bearer", f"Basic {old}", old, f"Bearer {old}x", "Bearer \xe4.\xf6.\xfc"]:
    answer = request(module, authorization)
    assert answer == (401, 'Bearer realm="app"', "", ""), (authorization, answer)

# After a rotation, the new key is unknown until the set is fetched again.
subprocess.run([latchkey, "keys", "rotate", "--now"], check=True, stdout=subprocess.DEVNULL)
new = log_in()
assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
assert rejects(module["verify"], new), "an unknown key must not cause a fetch at once"
module["keys"].cooldown_duration = 0
assert module["verify"](new)["sub"] == claims["sub"]
assert module["verify"](old)["sub"] == claims["sub"]

# Altered tokens, signed by a key of the issuer.
server = HTTPServer(("127.0.0.1", 0), KeySet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
module = load(url)
verify = module["verify"]
now = int(time.time())
claims = claims | {"iss": url, "aud": url, "iat": now, "nbf": now - 30, "exp": now + 300}
header = {"typ": "at+jwt", "kid": "key-1"}


def token(change_claims={}, change_header={}, key=KeySet.key, algorithm="EdDSA"):
    changed = {name: value for name, value in (claims | change_claims).items() if value is not None}
    changed_header = header | change_header
    if changed_header["kid"] is None:
        del changed_header["kid"]
    # PyJWT adds a type if there is none, and removes one that is `None`.
    return jwt.encode(changed, key, algorithm, changed_header)


assert verify(token())["sub"] == claims["sub"]
altered = {
    "an expired token": token({"exp": now - 1}),
    "a token without an expiry": token({"exp": None}),
    "a token of the future": token({"nbf": now + 5}),
    "another issuer": token({"iss": "https://other.example"}),
    "another audience": token({"aud": "https://other.example"}),
    "a list of audiences": token({"aud": [url, "https://other.example"]}),
    "another client": token({"client_id": "other"}),
    "another type": token({}, {"typ": "JWT"}),
    "no type": token({}, {"typ": None}),
    "a string as the roles": token({"roles": "superadmin"}),
    "an empty string as the roles": token({"roles": ""}),
    "an object as the roles": token({"roles": {"admin": True}}),
    "a number as a role": token({"roles": ["admin", 1]}),
    "another key": token(key=Ed25519PrivateKey.generate()),
    "an unknown key": token({}, {"kid": "key-2"}),
    "no key": token({}, {"kid": None}),
    "another algorithm": token({}, {"kid": "p256"}, KeySet.p256, "ES256"),
    "no signature": token(key=None, algorithm="none"),
    "the public key as a secret": token(key=public_key(), algorithm="HS256"),
} | {f"no {name}": token({name: None}) for name in ["sub", "sid", "jti", "iat", "nbf", "iss", "aud", "client_id"]}
for name, altered_token in altered.items():
    assert rejects(verify, altered_token), f"accepted: {name}"

# The key set is cached, and many unknown keys cause no further fetch.
for number in range(20):
    verify(token())
    assert rejects(verify, token({}, {"kid": f"unknown-{number}"}))
assert KeySet.fetches == 1, KeySet.fetches
assert request(module, f"Bearer {token({'roles': None})}")[2].endswith('"roles": []}')

# Without keys, a token may be valid. A text that is not a token is invalid nevertheless.
module["keys"].cooldown_duration = 0
for broken in [(200, "<html></html>"), (200, '{"keys": []}'), (200, "[]"), (200, "{}"), (500, "{}")]:
    KeySet.broken = broken
    empty = load(url)
    assert is_unavailable(empty, token()), broken
    fetches = KeySet.fetches
    assert is_unavailable(empty, token()), broken
    assert KeySet.fetches == fetches, "a failed fetch must not be repeated at once"
    assert rejects(empty["verify"], "nonsense"), broken
    module["keys"].retry_at = 0
    assert is_unavailable(module, token({}, {"kid": "key-2"})), f"{broken} for an unknown key"
    assert KeySet.fetches == fetches + 1, KeySet.fetches
    verify(token())
empty["keys"].retry_at = 0
status, challenge, body, log = request(empty, f"Bearer {token()}")
assert (status, challenge, body) == (503, None, ""), (status, challenge, body)
assert "cannot fetch http" in log and "500" in log, log
KeySet.broken = None
empty["keys"].retry_at = 0
assert empty["verify"](token()), "the keys are available again"
server.shutdown()
server.server_close()
assert is_unavailable(load(url), token()), "no connection"
print(f"the Python sample accepts tokens of the server and rejects {len(altered)} altered ones")
