"""Object storage: `[object_storage]` as a place to put files and get them back. obstore is imported when first used."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict, replace

from t0.config.schema.limits import OBJECT_STORAGE_KINDS, FilesystemStorage, ObjectStorage, S3Storage
from t0.errors import ConfigError, InternalError, InvalidRequest

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Credential, S3Store

MAX_FILE_BYTES = 100 * 1024 * 1024
"""The largest file that is fetched, from a URL or from object storage."""

_MAX_RETRIES = 3
_RETRY_TIMEOUT = timedelta(seconds=30)
_CREDENTIALS_TTL = timedelta(minutes=5)

log = logging.getLogger("t0")

Kind = dict[str, Any]
"""A store as stored rows name it: its `type` beside its settings, the unset ones null."""


class ObjectStore:
    """A file system folder or an S3 bucket. Belongs to the process that used it first: its client runs threads."""

    def __init__(self, storage: FilesystemStorage | S3Storage, env: Mapping[str, str]) -> None:
        self._storage, self._env = storage, env

    async def put_new(self, key: str, data: bytes) -> None:
        """Creates the object; one that is there already stays. Raises `InternalError`."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            await obstore.put_async(self._client, key, data, mode="create")
        except AlreadyExistsError:
            return
        except (BaseError, OSError, ValueError) as e:
            raise InternalError(f"Error putting object: {short(e)}") from e

    async def get(self, key: str) -> bytes:
        """The object. Raises `InternalError` when it cannot be had, or is longer than `MAX_FILE_BYTES`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = await obstore.get_async(self._client, key)
            if found.meta["size"] > MAX_FILE_BYTES:
                raise InternalError(f"Error getting object: it is longer than {MAX_FILE_BYTES} bytes")
            return bytes(await found.bytes_async())
        except (BaseError, OSError, ValueError) as e:
            raise InternalError(f"Error getting object: {short(e)}") from e

    def check_writable(self) -> None:
        """Writes an empty object `.tensorzero-validate`. Raises `ConfigError`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.put(self._client, ".tensorzero-validate", b"")
        except (BaseError, OSError, ValueError) as e:
            text = (
                "Failed to write `.tensorzero-validate` to object store. "
                f"Check that your credentials are configured correctly: {short(e)}"
            )
            raise ConfigError(text, key="object_storage") from e

    @cached_property
    def _client(self) -> LocalStore | S3Store:
        from obstore.store import LocalStore

        if isinstance(self._storage, FilesystemStorage):
            return LocalStore(self._storage.path)
        return _s3_client(self._storage, self._env)


def short(error: Exception) -> str:
    """The error without obstore's dump of its internals."""
    return str(error).partition("\n\nDebug source:")[0]


# -- kinds -------------------------------------------------------------------------------------------------------------


def resolved(storage: ObjectStorage, env: Mapping[str, str]) -> ObjectStorage:
    """The configured storage with its `env::` endpoint looked up. Raises `ConfigError`."""
    if not isinstance(storage, S3Storage) or not (storage.endpoint or "").startswith("env::"):
        return storage
    name = str(storage.endpoint).removeprefix("env::")
    if name not in env:
        text = f"Environment variable `{name}` not found. Your configuration for `[object_storage]` requires this "
        raise ConfigError(text + "variable for `endpoint`.", key="object_storage.endpoint")
    return replace(storage, endpoint=env[name])


def kind_of(storage: ObjectStorage) -> Kind:
    return {"type": storage.type, **asdict(storage)}


def storage_of(kind: Kind) -> ObjectStorage:
    """The storage that a caller names. Raises `InvalidRequest` for what is none."""
    found = OBJECT_STORAGE_KINDS.get(str(kind.get("type")))
    if found is None:
        names = ", ".join(f"`{k}`" for k in OBJECT_STORAGE_KINDS)
        raise InvalidRequest(
            f"Error parsing storage path: kind: unknown variant `{kind.get('type')}`, expected one of {names}"
        )
    try:
        return msgspec.convert({k: v for k, v in kind.items() if k != "type"}, found)
    except msgspec.ValidationError as e:
        raise InvalidRequest(f"Error parsing storage path: kind: {e}") from e


# -- S3 ----------------------------------------------------------------------------------------------------------------


def warn_of_settings(storage: ObjectStorage, env: Mapping[str, str]) -> None:
    """Logs what works but is most likely not meant."""
    if not isinstance(storage, S3Storage):
        return
    if _allows_http(storage, env):
        log.warning("`[object_storage]` allows plain HTTP: files and signatures may travel unencrypted")
    elif (storage.endpoint or "").startswith("http://"):
        log.warning("`object_storage.endpoint` is a plain HTTP address, which takes `allow_http = true`")
    endpoint, bucket = (storage.endpoint or "").rstrip("/"), storage.bucket_name
    if bucket and endpoint.endswith(bucket):
        log.warning("`object_storage.endpoint` ends in the bucket name, which is appended to it once more")


def _allows_http(storage: S3Storage, env: Mapping[str, str]) -> bool:
    if storage.allow_http is not None:
        return storage.allow_http
    return env.get("AWS_ALLOW_HTTP", "").lower() == "true"


def _s3_client(storage: S3Storage, env: Mapping[str, str]) -> S3Store:
    """What is not given comes from the `AWS_…` variables, which obstore reads itself."""
    from obstore.store import S3Store

    given = {"region": storage.region, "endpoint": storage.endpoint}
    return S3Store(
        storage.bucket_name,
        config={k: v for k, v in given.items() if v is not None},  # type: ignore[arg-type]
        client_options={"allow_http": _allows_http(storage, env)},
        retry_config={"max_retries": _MAX_RETRIES, "retry_timeout": _RETRY_TIMEOUT},
        credential_provider=_credentials(env),
    )


def _credentials(env: Mapping[str, str]) -> Callable[[], S3Credential] | None:
    """The `S3_…` keys, else those of a profile; None leaves `AWS_…` variables and roles to obstore."""
    if "S3_ACCESS_KEY_ID" in env:
        key, secret = env["S3_ACCESS_KEY_ID"], env["S3_SECRET_ACCESS_KEY"]
        return lambda: {"access_key_id": key, "secret_access_key": secret, "expires_at": None}
    if "AWS_ACCESS_KEY_ID" not in env and _has_profile(env) and find_spec("botocore") is not None:
        return _profile_credentials()
    return None


def _has_profile(env: Mapping[str, str]) -> bool:
    files = (
        env.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        env.get("AWS_CONFIG_FILE", "~/.aws/config"),
    )
    return "AWS_PROFILE" in env or any(os.path.exists(os.path.expanduser(f)) for f in files)


def _profile_credentials() -> Callable[[], S3Credential] | None:
    """Profiles and single sign-on are botocore's: obstore does not know them."""
    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        return None

    def current() -> S3Credential:
        frozen = found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_TTL,
        }

    return current
