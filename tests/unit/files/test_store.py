"""Object stores: the file system one for real, S3 as far as no server is needed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from t0.config.schema.limits import DisabledStorage, FilesystemStorage, ObjectStorage, S3Storage
from t0.errors import ConfigError, InternalError, InvalidRequest
from t0.files import store
from t0.files.store import ObjectStore, kind_of, resolved, storage_of, warn_of_settings

S3 = S3Storage(bucket_name="b", region="eu-west-1", endpoint="https://s3.example.com", allow_http=False)
S3_KIND = {
    "type": "s3_compatible",
    "bucket_name": "b",
    "region": "eu-west-1",
    "endpoint": "https://s3.example.com",
    "allow_http": False,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "store"


@pytest.fixture
def objects(folder: Path) -> ObjectStore:
    return ObjectStore(FilesystemStorage(path=str(folder)), {})


def test_an_object_is_written_once(objects: ObjectStore, folder: Path) -> None:
    asyncio.run(objects.put_new("observability/files/a.png", b"one"))
    asyncio.run(objects.put_new("observability/files/a.png", b"two"))
    assert (folder / "observability/files/a.png").read_bytes() == b"one"
    assert asyncio.run(objects.get("observability/files/a.png")) == b"one"


def test_the_check_leaves_an_empty_object(objects: ObjectStore, folder: Path) -> None:
    objects.check_writable()
    objects.check_writable()
    assert (folder / ".tensorzero-validate").read_bytes() == b""


@pytest.mark.parametrize("key", ["../secret", "a/../../secret", "a//b", ""], ids=["up", "up inside", "gap", "empty"])
def test_nothing_outside_is_reached(objects: ObjectStore, key: str) -> None:
    with pytest.raises(InternalError, match=r"^Internal error: Error getting object: "):
        asyncio.run(objects.get(key))
    with pytest.raises(InternalError, match=r"^Internal error: Error putting object: "):
        asyncio.run(objects.put_new(key, b"x"))


def test_a_missing_object(objects: ObjectStore, folder: Path) -> None:
    with pytest.raises(InternalError) as caught:
        asyncio.run(objects.get("a"))
    where = f"{folder}/a"
    assert caught.value.text == (
        f"Internal error: Error getting object: Object at location {where} not found: "
        "No such file or directory (os error 2)"
    )


def test_an_object_that_is_too_long(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(objects.put_new("a", b"12345"))
    monkeypatch.setattr(store, "MAX_FILE_BYTES", 4)
    with pytest.raises(InternalError, match="Error getting object: it is longer than 4 bytes"):
        asyncio.run(objects.get("a"))


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        (FilesystemStorage(path="/nonexistent-folder"), "Unable to canonicalize filesystem root: /nonexistent-folder"),
        (S3Storage(region="eu-west-1"), "Missing bucket name"),
    ],
    ids=["filesystem", "s3"],
)
def test_an_unusable_store(storage: Any, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_BUCKET", "AWS_BUCKET_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError) as caught:
        ObjectStore(storage, {}).check_writable()
    assert caught.value.key == "object_storage"
    assert caught.value.message.startswith(
        "Failed to write `.tensorzero-validate` to object store. Check that your credentials are configured correctly: "
    )
    assert caught.value.message.endswith(reason)


# -- kinds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "kind"),
    [
        (S3, S3_KIND),
        (FilesystemStorage(path="/data"), {"type": "filesystem", "path": "/data"}),
        (DisabledStorage(), {"type": "disabled"}),
    ],
    ids=["s3", "filesystem", "disabled"],
)
def test_kinds_and_storages(storage: ObjectStorage, kind: dict[str, Any]) -> None:
    assert kind_of(storage) == kind
    assert storage_of(kind) == storage


def test_unset_keys_of_a_kind_are_null() -> None:
    kind = {"type": "s3_compatible", "bucket_name": "b", "region": None, "endpoint": None, "allow_http": None}
    assert kind_of(S3Storage(bucket_name="b")) == kind
    assert kind_of(storage_of({"type": "s3_compatible", "bucket_name": "b"})) == kind


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ({}, "unknown variant `None`, expected one of `s3_compatible`, `filesystem`, `disabled`"),
        ({"type": "ftp"}, "unknown variant `ftp`, expected one of `s3_compatible`, `filesystem`, `disabled`"),
        ({"type": "filesystem"}, "Object missing required field `path`"),
        ({"type": "filesystem", "path": 1}, "Expected `str`, got `int` - at `$.path`"),
    ],
    ids=["no type", "unknown type", "no path", "wrong path"],
)
def test_what_is_no_kind(kind: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        storage_of(kind)
    assert caught.value.text == f"Error parsing storage path: kind: {reason}"


def test_an_endpoint_from_the_environment() -> None:
    given = S3Storage(bucket_name="b", endpoint="env::S3_ENDPOINT")
    assert resolved(given, {"S3_ENDPOINT": "https://x"}) == S3Storage(bucket_name="b", endpoint="https://x")
    assert resolved(S3, {}) is S3
    with pytest.raises(ConfigError) as caught:
        resolved(given, {})
    assert str(caught.value) == (
        "object_storage.endpoint: Environment variable `S3_ENDPOINT` not found. "
        "Your configuration for `[object_storage]` requires this variable for `endpoint`."
    )


PLAIN = "`[object_storage]` allows plain HTTP: files and signatures may travel unencrypted"
NOT_ALLOWED = "`object_storage.endpoint` is a plain HTTP address, which takes `allow_http = true`"
TWICE = "`object_storage.endpoint` ends in the bucket name, which is appended to it once more"


@pytest.mark.parametrize(
    ("storage", "env", "warnings"),
    [
        pytest.param(S3, {"AWS_ALLOW_HTTP": "true"}, [], id="the configuration wins"),
        pytest.param(S3Storage(bucket_name="b"), {"AWS_ALLOW_HTTP": "true"}, [PLAIN], id="allowed by the environment"),
        pytest.param(S3Storage(bucket_name="b", allow_http=True), {}, [PLAIN], id="allowed by the configuration"),
        pytest.param(S3Storage(bucket_name="b", endpoint="http://x"), {}, [NOT_ALLOWED], id="plain and not allowed"),
        pytest.param(S3Storage(bucket_name="b", endpoint="https://x/b/"), {}, [TWICE], id="bucket in the endpoint"),
        pytest.param(S3Storage(bucket_name="b", endpoint="https://x/"), {}, [], id="nothing odd"),
        pytest.param(DisabledStorage(), {"AWS_ALLOW_HTTP": "true"}, [], id="disabled"),
    ],
)
def test_settings_that_are_warned_of(
    storage: ObjectStorage, env: dict[str, str], warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_settings(storage, env)
    assert [r.getMessage() for r in caplog.records] == warnings
