"""Generates foreign_hashes.json: password hashes of common libraries.

    pip install argon2-cffi bcrypt==4.0.1 django flask-security[common] flask-sqlalchemy passlib werkzeug
    npm install bcryptjs firebase-scrypt
    python make_foreign_hashes.py > foreign_hashes.json

passlib does not work with later versions of bcrypt. Most hashes have low costs, so that the tests
are fast. There is also one hash of each library with realistic costs.
"""

import base64
import importlib.metadata
import json
import subprocess
import sys

import argon2
import bcrypt
import django
import flask
import flask_security
import flask_sqlalchemy
from django.conf import settings
from django.contrib.auth import hashers
from flask_security.models import fsqla_v3
from passlib import hash as passlib
from werkzeug.security import generate_password_hash

settings.configure()
django.setup()

ASCII = "a long walk along the sea"
COMPOSED = "caf\u00e9 au lait \U0001f347"
DECOMPOSED = "cafe\u0301 au lait \U0001f347"
LONG = "0123456789" * 8
PASSWORDS = [ASCII, COMPOSED, DECOMPOSED, LONG]


def cheap(hasher, **costs):
    """Returns a Django hasher with these costs."""
    return type(hasher.__name__, (hasher,), costs)()


def django_hashes(password):
    salt = "seasoningseasoning22"
    yield cheap(hashers.PBKDF2PasswordHasher).encode(password, salt, 1_000)
    yield cheap(hashers.PBKDF2SHA1PasswordHasher).encode(password, salt, 1_000)
    for hasher in (hashers.BCryptPasswordHasher, hashers.BCryptSHA256PasswordHasher):
        hasher = cheap(hasher, rounds=4)
        yield hasher.encode(password, hasher.salt())
    argon = cheap(hashers.Argon2PasswordHasher, memory_cost=64, time_cost=1, parallelism=2)
    yield argon.encode(password, salt)
    yield cheap(hashers.ScryptPasswordHasher).encode(password, salt, n=2**5, r=8, p=2)


def passlib_hashes(password):
    for scheme in (passlib.pbkdf2_sha256, passlib.pbkdf2_sha512, passlib.pbkdf2_sha1):
        yield scheme.using(rounds=1_000).hash(password)
    yield passlib.bcrypt.using(rounds=4).hash(password)
    yield passlib.bcrypt.using(rounds=4, ident="2a").hash(password)
    yield passlib.bcrypt_sha256.using(rounds=4).hash(password)
    yield passlib.bcrypt_sha256.using(rounds=4, version=1).hash(password)
    yield passlib.scrypt.using(rounds=5).hash(password)
    for kind in ("I", "D", "ID"):
        argon = passlib.argon2.using(type=kind, rounds=1, memory_cost=64, parallelism=1)
        yield argon.hash(password)


def werkzeug_hashes(password):
    for method in ("pbkdf2:sha256:1000", "pbkdf2:sha1:1000", "pbkdf2:sha512:1000", "scrypt:1024:8:1"):
        yield generate_password_hash(password, method)


def flask_security_hashes(password):
    """Returns hashes with the salt of the app, in the format that `users import` expects."""
    salt = "$2a$ a salt of the app, \u00fc"
    for scheme in ("bcrypt", "argon2", "pbkdf2_sha512"):
        app = flask.Flask(scheme)
        app.config.update(
            SECRET_KEY="unused",
            SQLALCHEMY_DATABASE_URI="sqlite://",
            SECURITY_PASSWORD_SALT=salt,
            SECURITY_PASSWORD_HASH=scheme,
            SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
                "bcrypt__rounds": 4,
                "argon2__rounds": 1,
                "argon2__memory_cost": 64,
                "argon2__parallelism": 1,
                "pbkdf2_sha512__rounds": 1_000,
            },
        )
        database = flask_sqlalchemy.SQLAlchemy(app)
        fsqla_v3.FsModels.set_db_info(database)
        role = type("Role", (database.Model, fsqla_v3.FsRoleMixin), {})
        user = type("User", (database.Model, fsqla_v3.FsUserMixin), {})
        security = flask_security.Security(
            app, flask_security.SQLAlchemyUserDatastore(database, user, role)
        )
        with app.app_context():
            # The forms of Flask-Security normalise passwords (NFKD) before they hash them.
            normalized = security._password_util.normalize(password)
            text = flask_security.hash_password(normalized)
        yield f"flask-security${base64.b64encode(salt.encode()).decode()}${text}"


def node_hashes():
    """Returns the hashes of npm packages, which another script generates."""
    process = subprocess.run(
        ["node", "make_foreign_hashes.mjs"],
        input=json.dumps(PASSWORDS),
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(process.stdout)


def entries():
    version = importlib.metadata.version
    for library, hashes in (
        ("django", django_hashes),
        ("passlib", passlib_hashes),
        ("werkzeug", werkzeug_hashes),
        ("flask-security", flask_security_hashes),
        ("bcrypt", lambda password: [bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()]),
        ("argon2-cffi", lambda password: [argon2.PasswordHasher(1, 64, 1).hash(password)]),
    ):
        for password in PASSWORDS:
            for text in hashes(password):
                yield {"by": f"{library} {version(library)}", "password": password, "hash": text}
    for library, text in (
        ("django", hashers.make_password(ASCII)),
        ("passlib", passlib.pbkdf2_sha256.hash(ASCII)),
        ("werkzeug", generate_password_hash(ASCII)),
        ("bcrypt", bcrypt.hashpw(ASCII.encode(), bcrypt.gensalt(10)).decode()),
        ("argon2-cffi", argon2.PasswordHasher().hash(ASCII)),
    ):
        yield {"by": f"{library} {version(library)}", "password": ASCII, "hash": text}
    yield from node_hashes()


json.dump(list(entries()), sys.stdout, indent=1)
sys.stdout.write("\n")
