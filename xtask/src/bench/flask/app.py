"""A typical Flask app with sign-up, log-in and a private endpoint.

`python app.py N` fills its database with N users; gunicorn serves `app:app`.
"""

import os
import sys

from flask import Flask, abort, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

METHOD = "pbkdf2:sha256:600000"

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.environ["BENCH_DATABASE"]
app.config["JWT_SECRET_KEY"] = os.environ["BENCH_SECRET"]
db = SQLAlchemy(app)
JWTManager(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(254), unique=True, nullable=False)
    password_hash = db.Column(db.String(256), nullable=False)
    created_at = db.Column(db.DateTime, server_default=db.func.now(), nullable=False)


def user_json(user):
    return jsonify(id=user.id, email=user.email, created_at=user.created_at.isoformat() + "Z")


@app.post("/api/signup")
def sign_up():
    body = request.get_json()
    password_hash = generate_password_hash(body["password"], method=METHOD)
    user = User(email=body["email"], password_hash=password_hash)
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError:
        abort(409)
    return user_json(user), 201


@app.post("/api/token")
def log_in():
    body = request.get_json()
    user = db.session.scalar(db.select(User).filter_by(email=body["email"]))
    if user is None or not check_password_hash(user.password_hash, body["password"]):
        abort(401)
    return jsonify(access_token=create_access_token(identity=str(user.id)), token_type="Bearer")


@app.get("/api/me")
@jwt_required()
def me():
    user = db.session.get(User, int(get_jwt_identity()))
    return user_json(user) if user else abort(401)


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
        password_hash = generate_password_hash("a long walk along the sea", method=METHOD)
        for n in range(int(sys.argv[1])):
            db.session.add(User(email=f"user{n}@example.com", password_hash=password_hash))
        db.session.commit()
