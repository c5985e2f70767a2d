"""The S3 client: which credentials it signs with, and that an object is written once."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_s3 import FakeS3
from t0.config.schema.limits import S3Storage
from t0.errors import ConfigError, InternalError
from t0.files.store import ObjectStore

PROFILE = "[work]\naws_access_key_id = PROFILE\naws_secret_access_key = x\n"
S3_KEYS = {"S3_ACCESS_KEY_ID": "S3", "S3_SECRET_ACCESS_KEY": "x"}
AWS_KEYS = {"AWS_ACCESS_KEY_ID": "AWS", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    server = FakeS3()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None of the machine's own credentials."""
    for name in os.environ:
        if name.startswith(("AWS_", "S3_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def open_store(s3: FakeS3, *, allow_http: bool | None = True) -> ObjectStore:
    storage = S3Storage(bucket_name="files", region="eu-west-1", endpoint=s3.url, allow_http=allow_http)
    return ObjectStore(storage, os.environ)


@pytest.mark.parametrize(
    ("env", "signer"),
    [
        pytest.param({**S3_KEYS, **AWS_KEYS}, "S3", id="keys for storage"),
        pytest.param({**AWS_KEYS, "AWS_PROFILE": "work"}, "AWS", id="keys for AWS"),
        pytest.param({"AWS_PROFILE": "work"}, "PROFILE", id="profile"),
    ],
)
def test_credentials(
    s3: FakeS3, env: dict[str, str], signer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(PROFILE)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    open_store(s3).check_writable()
    assert s3.access_keys == {signer}


def test_an_object_is_written_once(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3_KEYS.items():
        monkeypatch.setenv(name, value)

    async def run() -> bytes:
        store = open_store(s3)
        await store.put_new("a/b.png", b"one")
        await store.put_new("a/b.png", b"two")
        return await store.get("a/b.png")

    assert asyncio.run(run()) == b"one"
    assert s3.log == [("PUT", "/files/a/b.png", 200), ("PUT", "/files/a/b.png", 412), ("GET", "/files/a/b.png", 200)]


def test_a_missing_object(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3_KEYS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InternalError, match=r"^Internal error: Error getting object: .*not found"):
        asyncio.run(open_store(s3).get("a"))


def test_plain_http_must_be_allowed(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3_KEYS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"^object_storage: Failed to write `\.tensorzero-validate` to object store"):
        open_store(s3, allow_http=None).check_writable()
    assert s3.log == []
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    open_store(s3, allow_http=None).check_writable()
    assert s3.log == [("PUT", "/files/.tensorzero-validate", 200)]
