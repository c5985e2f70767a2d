"""The files of a gateway: where they come from and where they are kept."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import msgspec
from cachetools import LRUCache

from t0.config.schema import Config
from t0.config.schema.limits import FilesystemStorage, S3Storage
from t0.errors import BadFileFetch, InvalidRequest, ObjectStoreUnconfigured
from t0.files.fetch import download
from t0.files.resolve import Content, Exchanges, RequestFiles
from t0.files.store import ObjectStore, kind_of, resolved, storage_of
from t0.files.uploads import Uploads
from t0.types.content import File, StoragePath
from t0.types.inference import InferenceRequest
from t0.upstream.base import Transport

T = TypeVar("T")

_OTHER_STORES = 16
"""How many stores besides the configured one stay open for reading."""


class Files:
    """One per worker."""

    def __init__(self, config: Config, env: Mapping[str, str], transport: Transport, *, stores: bool) -> None:
        """`stores` tells whether inferences are stored at all. Raises `ConfigError`."""
        self.fetch_all = config.gateway.fetch_and_encode_input_files_before_inference
        """Whether no provider gets to see a URL."""
        storage = config.object_storage and resolved(config.object_storage, env)
        self.kind = storage and kind_of(storage)
        self._env, self._transport = env, transport
        self._store = ObjectStore(storage, env) if isinstance(storage, (FilesystemStorage, S3Storage)) else None
        self.uploads = Uploads(self._store) if self._store is not None and stores else None
        """None when files are not kept."""
        self._other_stores: LRUCache[bytes, ObjectStore] = LRUCache(_OTHER_STORES)
        self._fetches: set[asyncio.Task[Any]] = set()

    def of(self, request: InferenceRequest, exchanges: Exchanges) -> RequestFiles | None:
        """The files in `request`, None when there are none; what is to be kept is fetched from now on.

        The time that provider calls wait for files is added to `exchanges`. Raises `ObjectStoreUnconfigured`.
        """
        found = [b for m in request.input.messages for b in m.content if isinstance(b, File)]
        if not found:
            return None
        if self.kind is None and any(f.storage_path is None for f in found):
            raise ObjectStoreUnconfigured("file")
        return RequestFiles(self, found, exchanges, keep=self.uploads is not None and not request.dryrun)

    async def load(self, file: File) -> Content:
        """The content of a file that has none yet. Raises `BadFileFetch`, `InvalidRequest` and `InternalError`."""
        if file.storage_path is not None:
            body, mime_type = (await self.read(file.storage_path))[0], file.mime_type
        else:
            body, found = await download(self._transport, file.url or "")
            mime_type = file.mime_type or found
        if mime_type is None:
            raise BadFileFetch(file.url or "", "its MIME type is not known, set `mime_type`")
        return Content(mime_type, base64.b64encode(body).decode())

    async def read(self, where: StoragePath) -> tuple[bytes, bool]:
        """An object, and whether it came from the configured store. Raises `InvalidRequest` and `InternalError`."""
        store = self._store_of(where)
        return await store.get(where.path), store is self._store

    def _store_of(self, where: StoragePath) -> ObjectStore:
        storage = storage_of(where.kind)
        kind = kind_of(storage)
        if self._store is not None and kind == self.kind:
            return self._store
        if isinstance(storage, S3Storage):
            key = msgspec.json.encode(kind)
            return self._other_stores.setdefault(key, ObjectStore(storage, self._env))
        if isinstance(storage, FilesystemStorage):
            # Whoever may call the gateway must not read any file that its process can.
            raise InvalidRequest(f"`{storage.path}` is not the path of the configured `[object_storage]`")
        raise InvalidRequest("Object store was disabled")

    def begin(self, fetch: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs a fetch that several attempts of a request may wait for."""
        task = asyncio.get_running_loop().create_task(fetch)
        self._fetches.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._fetches.discard(task)
        if not task.cancelled():
            task.exception()  # seen by those who wait, if anybody does

    async def close(self) -> None:
        """Finishes what is to be stored."""
        for task in self._fetches:
            task.cancel()
        if self.uploads is not None:
            await self.uploads.finish()
