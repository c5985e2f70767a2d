"""The files of one request, on their way to providers and into the stored row."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec.structs import replace

from t0.files.stored import files_in, object_key, without_payloads
from t0.providers.base import Provider
from t0.types.content import File, InputMessage, ModelMessage, StoragePath
from t0.types.model import ModelRequest
from t0.types.record import InferenceRecord

if TYPE_CHECKING:
    from t0.files.service import Files

Exchanges = list[tuple[float, float]]
"""Begin and end, in monotonic seconds, of what was waited for outside."""

M = TypeVar("M", InputMessage, ModelMessage)

_LONGEST_WAIT_S = 5.0
"""How long an answer may wait for files that are fetched for storage only."""

log = logging.getLogger("t0")


class Content(NamedTuple):
    """`data` is base64 text, as the caller wrote it or as t0 encoded what it fetched."""

    mime_type: str
    data: str


class _Entry:
    """One file: as the caller gave it, and its content once known."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.content: Content | None = None
        self.sent = file
        """What a provider gets that does not fetch the file itself."""
        self.fetch: asyncio.Task[Content] | None = None
        if file.data is not None and file.mime_type is not None:
            self.set(Content(file.mime_type, file.data))

    @property
    def is_url(self) -> bool:
        """Whether the file is given by URL alone; that of a stored file only tells where it once came from."""
        return self.file.data is None and self.file.storage_path is None

    @cached_property
    def key(self) -> str:
        """Where it is kept; to be asked for once the content is known."""
        assert self.content is not None
        return object_key(self.content.data, self.content.mime_type)

    def set(self, content: Content) -> None:
        self.content = content
        if self.file.url is not None or self.file.storage_path is not None:
            mime_type, data = content
            self.sent = replace(self.file, url=None, storage_path=None, mime_type=mime_type, data=data)


class RequestFiles:
    """Fetches each file at most once at a time, whichever attempts need it."""

    def __init__(self, service: Files, files: Sequence[File], exchanges: Exchanges, *, keep: bool) -> None:
        """With `keep`, files given by URL are fetched from now on, so that they can be stored after the answer."""
        self._service, self._exchanges, self._keep = service, exchanges, keep
        self._entries = [_Entry(f) for f in files]
        # Renderers pass files through as they are, so identity tells which file a message holds.
        self._by_identity = {id(f): e for e in self._entries for f in (e.file, e.sent)}
        if keep:
            for entry in self._entries:
                if entry.is_url:
                    self._begin(entry)

    @property
    def fetches_all(self) -> bool:
        """Whether no provider gets a URL to fetch by itself."""
        return self._service.fetch_all

    # -- before a model call -------------------------------------------------------------------------------------------

    async def for_provider(self, provider: Provider, request: ModelRequest) -> ModelRequest:
        """`request` with the bytes of the files that this provider does not fetch itself. Raises as `Files.load`."""
        request = replace(request, fetch_and_encode_files=self._service.fetch_all)
        entries = [self._entry(f) for f in files_in(request.messages)]
        needed = [e for e in entries if not (e.is_url and provider.forwards_url(e.file, request))]
        await self._load(needed)
        sent = {id(e.file): e.sent for e in needed}
        return replace(request, messages=_with_files(request.messages, sent))

    def _entry(self, file: File) -> _Entry:
        """A file that is not the request's own, such as one of a stored example, is known from its first use on."""
        entry = self._by_identity.get(id(file))
        if entry is None:
            entry = _Entry(file)
            self._entries.append(entry)
            self._by_identity |= {id(file): entry, id(entry.sent): entry}
        return entry

    async def _load(self, entries: Sequence[_Entry]) -> None:
        missing = [e for e in entries if e.content is None]
        if not missing:
            return
        started = time.monotonic()
        try:
            # Shielded, as the attempt that waits may be given up while the next one needs the file as well.
            contents = await asyncio.gather(*(asyncio.shield(self._begin(e)) for e in missing))
        finally:
            self._exchanges.append((started, time.monotonic()))
        for entry, content in zip(missing, contents, strict=True):
            self._set(entry, content)

    def _begin(self, entry: _Entry) -> asyncio.Task[Content]:
        """The fetch under way or done; a failed one is begun anew."""
        fetch = entry.fetch
        if fetch is None or (fetch.done() and (fetch.cancelled() or fetch.exception() is not None)):
            fetch = entry.fetch = self._service.begin(self._service.load(entry.file))
        return fetch

    def _set(self, entry: _Entry, content: Content) -> None:
        """Keeps the content; of attempts side by side only the first one's, so that there is one `sent`."""
        if entry.content is None:
            entry.set(content)
            self._by_identity[id(entry.sent)] = entry

    def cancel(self) -> None:
        """Ends what is still being fetched: there is no answer to store."""
        for entry in self._entries:
            if entry.fetch is not None:
                entry.fetch.cancel()

    # -- after the answer ----------------------------------------------------------------------------------------------

    async def store(self, row: InferenceRecord) -> None:
        """Takes the bytes out of `row`, puts places in, and has the files stored in the background."""
        await self._settle()
        places = {identity: self._place(entry) for identity, entry in self._by_identity.items()}
        given = row.input.messages
        row.input = replace(row.input, messages=_with_files(given, places))
        for call in row.model_inferences:
            messages = call.input_messages
            call.raw_request = without_payloads(call.raw_request, given if messages is None else messages)
            call.input_messages = None if messages is None else _with_files(messages, places)
        self._upload()

    async def _settle(self) -> None:
        """Waits for the fetches for storage, but not for long."""
        running = [e.fetch for e in self._entries if e.fetch is not None and not e.fetch.done()]
        if running and self._keep:
            await asyncio.wait(running, timeout=_LONGEST_WAIT_S)
        self.cancel()
        for entry in self._entries:
            if entry.content is None and entry.fetch is not None:
                self._take(entry, entry.fetch)

    def _take(self, entry: _Entry, fetch: asyncio.Task[Content]) -> None:
        """The content that no provider has asked for, or a word on why it did not come."""
        if not fetch.done() or fetch.cancelled():
            reason = f"it did not come within {_LONGEST_WAIT_S:g} s of the answer"
        elif (error := fetch.exception()) is not None:
            reason = str(error)
        else:
            self._set(entry, fetch.result())
            return
        log.warning("file `%s` is not stored: %s", entry.file.url, reason)

    def _place(self, entry: _Entry) -> File:
        """The file as rows name it; without a place where its content is not known."""
        file, content = entry.file, entry.content
        if content is None:
            return replace(file, data=None)
        path = file.storage_path or StoragePath(self._service.kind or {}, entry.key)
        return replace(file, data=None, mime_type=content.mime_type, storage_path=path)

    def _upload(self) -> None:
        if not self._keep or self._service.uploads is None:
            return
        for entry in self._entries:
            if entry.content is not None and entry.file.storage_path is None:
                self._service.uploads.add(entry.key, entry.content.data)


def _with_files(messages: Sequence[M], files: dict[int, File]) -> list[M]:
    """The messages with some of their files replaced; `files` are by identity."""

    def block(old: Any) -> Any:
        return files.get(id(old), old) if isinstance(old, File) else old

    return [replace(m, content=[block(b) for b in m.content]) for m in messages]
