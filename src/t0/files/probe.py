"""The check at start-up that files can be stored."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from multiprocessing.connection import Connection

from t0.config.schema import Config
from t0.config.schema.limits import FilesystemStorage, S3Storage
from t0.errors import ConfigError
from t0.files.store import ObjectStore, resolved, warn_of_settings


def check_object_storage(config: Config, env: Mapping[str, str]) -> None:
    """Writes an empty object to the configured storage. Raises `ConfigError` when that fails."""
    if config.object_storage is None:
        return
    storage = resolved(config.object_storage, env)
    warn_of_settings(storage, env)
    if isinstance(storage, (FilesystemStorage, S3Storage)):
        _in_child(ObjectStore(storage, env))


def _in_child(store: ObjectStore) -> None:
    """The store's client runs threads; those of the launcher would be missing in its forked children."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_write, args=(store, sender))
    child.start()
    sender.close()
    try:
        failure = receiver.recv()
    except EOFError:
        failure = "Failed to write `.tensorzero-validate` to object store: the check ended without a result"
    finally:
        child.join()
        receiver.close()
    if failure is not None:
        raise ConfigError(failure, key="object_storage")


def _write(store: ObjectStore, result: Connection) -> None:
    try:
        store.check_writable()
    except ConfigError as e:
        result.send(e.message)
    else:
        result.send(None)
