"""A service account made for the tests: its key file, and what verifies its signatures."""

import atexit
import functools
import json
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

EMAIL = "robot@proj.iam.gserviceaccount.com"
KEY_ID = "key-1"


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem() -> str:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return private_key().private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()).decode()


def public_pem() -> bytes:
    public = private_key().public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_file(**more: str) -> str:
    """The text of the account's key file; `more` replaces or adds entries."""
    own = {"type": "service_account", "private_key_id": KEY_ID, "private_key": private_pem(), "client_email": EMAIL}
    return json.dumps({**own, **more})


@functools.cache
def key_path() -> str:
    """A file that holds it, until the tests end."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "key.json"
    path.write_text(key_file())
    return str(path)


def environment() -> dict[str, str]:
    return {"GCP_VERTEX_CREDENTIALS_PATH": key_path()}
