"""ClickHouse's HTTP interface in front of the engine, for one user, as much of it as clients of that interface use."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import BodyPartReader, web
from multidict import MultiDict

from t0.storage.store.encoding import Encoder, chosen, decoded
from t0.storage.store.engine import Answer, Engine, EngineError, ExternalTable, Query, Stream
from t0.storage.store.sessions import Sessions
from t0.storage.store.statement import REQUEST_PARAMETERS, split_insert

MAX_BODY_BYTES = 256 * 1024 * 1024
THREADS = 16
_PIECE_BYTES = 256 * 1024

_AUTHENTICATION_FAILED = 516
# What ClickHouse answers by error code where it is not 500.
_STATUS_BY_CODE = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 72, 73, 117, 130, 131, 306, 386, 456, 457), 400),
    **dict.fromkeys((46, 47, 50, 60, 63, 81, 107, 115, 372), 404),
    _AUTHENTICATION_FAILED: 403,
    159: 408,
    307: 413,
    48: 501,
    209: 503,
    373: 503,
    439: 503,
}


class StoreServer:
    """The application; `drain` waits for the requests that still run."""

    def __init__(self, engine: Engine, username: str, password: str) -> None:
        self._engine = engine
        self._credentials = f"{username}\0{password}".encode()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._sessions = Sessions()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def application(self) -> web.Application:
        """The routes; serve it without automatic decompression of bodies."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_get("/ping", self._ping)
        app.router.add_route("*", "/", self._query)
        return app

    async def drain(self, timeout_s: float) -> bool:
        """Wait until no request runs; False when some still do after `timeout_s`."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _query(self, request: web.Request) -> web.StreamResponse:
        self._running += 1
        self._idle.clear()
        try:
            self._authenticate(request)
            if request.method == "GET" and "query" not in request.query:
                return web.Response(text="Ok.\n")
            return await self._answer(request, *await _read(request))
        except EngineError as e:
            return _failure(e)
        except ValueError as e:
            return _failure(EngineError(f"Code: 36. DB::Exception: {e}. (BAD_ARGUMENTS)", 36))
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    def _authenticate(self, request: web.Request) -> None:
        user, password = _credentials(request)
        if not hmac.compare_digest(f"{user}\0{password}".encode(), self._credentials):
            text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name"
            raise EngineError(f"Code: 516. DB::Exception: {text}. (AUTHENTICATION_FAILED)", _AUTHENTICATION_FAILED)

    async def _answer(self, request: web.Request, query: Query, fields: MultiDict[str]) -> web.StreamResponse:
        may_stream = fields.get("wait_end_of_query") != "1"
        if fields.get("session_id"):
            return await self._send(request, await self._in_session(fields["session_id"], fields, query))
        answer = await self._in_thread(self._run, query, may_stream)
        if isinstance(answer, Answer):
            return await self._send(request, answer)
        try:
            return await self._send_stream(request, answer)
        finally:
            await self._in_thread(answer.close)

    def _run(self, query: Query, may_stream: bool) -> Answer | Stream:
        """The whole answer, or one to be fetched and closed; all in one thread, since each change costs time."""
        connection = self._engine.connect()
        try:
            if may_stream and (stream := connection.stream(query)) is not None:
                return stream
            answer = connection.run(query)
        except BaseException:
            connection.close()
            raise
        connection.close()
        return answer

    async def _in_session(self, name: str, fields: MultiDict[str], query: Query) -> Answer:
        for expired in self._sessions.expired(time.monotonic()):
            await self._in_thread(expired.close)
        connection = self._sessions.enter(name, self._engine.connect, must_exist=fields.get("session_check") == "1")
        try:
            answer: Answer = await self._in_thread(connection.run_apart, query)
            return answer
        finally:
            timeout_s = 0.0 if fields.get("close_session") == "1" else float(fields.get("session_timeout", "60"))
            self._sessions.leave(name, time.monotonic() + timeout_s)

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)

    # -- answers -------------------------------------------------------------------------------------------------------

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        encoder = _encoder(request)
        response = self._response(request, answer, encoder)
        if encoder.encoding == "identity":
            response.content_length = len(answer.body)
        await response.prepare(request)
        await response.write(encoder.begin())
        for piece in _pieces(answer.body):
            await response.write(encoder.encode(piece))
        await response.write(encoder.finish())
        await response.write_eof()
        return response

    async def _send_stream(self, request: web.Request, stream: Stream) -> web.StreamResponse:
        """Blocks as they come; a failure after the first one ends the answer in ClickHouse's way."""
        block = await self._in_thread(stream.next)  # before the status is sent
        encoder = _encoder(request)
        response = self._response(request, Answer(format=stream.format), encoder)
        tag = response.headers["X-ClickHouse-Exception-Tag"] = secrets.token_hex(8)
        await response.prepare(request)
        await response.write(encoder.begin())
        while block:
            for piece in _pieces(memoryview(block)):
                await response.write(encoder.encode(piece))
            try:
                block = await self._in_thread(stream.next)
            except EngineError as e:
                await response.write(encoder.encode(_exception_block(str(e), tag)))
                break
        await response.write(encoder.finish())
        await response.write_eof()
        return response

    def _response(self, request: web.Request, answer: Answer, encoder: Encoder) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers["X-ClickHouse-Server-Display-Name"] = "t0 store"
        response.headers["X-ClickHouse-Query-Id"] = request.query.get("query_id") or str(uuid.uuid4())
        response.headers["X-ClickHouse-Timezone"] = self._engine.timezone
        response.headers["X-ClickHouse-Summary"] = json.dumps(_summary(answer))
        if answer.format is not None:
            response.headers["X-ClickHouse-Format"] = answer.format
            response.content_type = "application/json" if answer.format.startswith("JSON") else "text/plain"
        if encoder.encoding != "identity":
            response.headers["Content-Encoding"] = encoder.encoding
        return response


# -- requests ----------------------------------------------------------------------------------------------------------


def _credentials(request: web.Request) -> tuple[str, str]:
    headers, query = request.headers, request.query
    kind, _, encoded = headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "default", ""
        return user, password
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", "")
    return query.get("user", "default"), query.get("password", "")


async def _read(request: web.Request) -> tuple[Query, MultiDict[str]]:
    """The query of a request and its parameters, those of a form included. Raises `ValueError`, `EngineError`."""
    if (request.content_length or 0) > MAX_BODY_BYTES:  # forms are not measured while they are read
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
    fields = MultiDict(request.query)
    files: dict[str, bytes] = {}
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            await _add_part(part, fields, files)
        body = []
    else:
        body = await _read_body(request)
    if fields.get("compress") == "1" or fields.get("decompress") == "1":
        text = "The parameters `compress` and `decompress` are not supported; use Content-Encoding and Accept-Encoding"
        raise EngineError(f"Code: 48. DB::Exception: {text}. (NOT_IMPLEMENTED)", 48)
    external = tuple(_external_table(name, data, fields) for name, data in files.items())
    return _parsed(request, fields, body, external), fields


async def _read_body(request: web.Request) -> list[bytes]:
    """The body in the pieces in which it arrived; as one when it was compressed. Raises `ValueError`."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, size)
        pieces.append(piece)
    encoding = request.headers.get("Content-Encoding", "")
    return [decoded(b"".join(pieces), encoding)] if encoding else pieces


async def _add_part(part: Any, fields: MultiDict[str], files: dict[str, bytes]) -> None:
    if not isinstance(part, BodyPartReader) or not part.name:
        raise ValueError("a part of the form has no name")
    data = bytes(await part.read(decode=True))
    if part.filename is None:
        fields.add(part.name, data.decode())
    else:
        files[part.name] = data


def _external_table(name: str, data: bytes, fields: MultiDict[str]) -> ExternalTable:
    """The table of a file part; its description is in parameters, which are thereby used up."""
    structure, types = fields.pop(f"{name}_structure", ""), fields.pop(f"{name}_types", "")
    if not structure:
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types.split(","), 1))
    return ExternalTable(name=name, structure=structure, format=fields.pop(f"{name}_format", "TabSeparated"), data=data)


def _parsed(
    request: web.Request, fields: MultiDict[str], body: list[bytes], external: tuple[ExternalTable, ...]
) -> Query:
    text, rows = _statement(fields.get("query", "").encode(), body)
    settings = {name: value for name, value in fields.items() if not _is_parameter(name)}
    if request.method == "GET":
        settings["readonly"] = "2"
    return Query(
        text=text,
        rows=rows,
        database=fields.get("database", request.headers.get("X-ClickHouse-Database", "")),
        settings=settings,
        parameters={n.removeprefix("param_"): v for n, v in fields.items() if n.startswith("param_")},
        default_format=fields.get("default_format", request.headers.get("X-ClickHouse-Format", "TabSeparated")),
        external=external,
    )


def _statement(head: bytes, body: list[bytes]) -> tuple[bytes, list[bytes]]:
    """The text of the statement, and the rows of an insert where they come apart from it.

    PERF: joining megabytes of rows to the statement, and cutting them off again, cost 3 µs for each of 2 kB.
    """
    insert = split_insert(head) if head and body else None
    if insert is not None and not insert.data:
        return head, body
    return b"\n".join(filter(None, (head, b"".join(body)))), []


def _is_parameter(name: str) -> bool:
    return name in REQUEST_PARAMETERS or name.startswith("param_")


def _encoder(request: web.Request) -> Encoder:
    wanted = request.query.get("enable_http_compression") == "1"
    return Encoder(chosen(request.headers.get("Accept-Encoding", "")) if wanted else "identity")


# -- answers -----------------------------------------------------------------------------------------------------------


def _pieces(body: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _summary(answer: Answer) -> dict[str, str]:
    return {
        "read_rows": str(answer.read_rows),
        "read_bytes": str(answer.read_bytes),
        "written_rows": str(answer.written_rows),
        "written_bytes": str(answer.written_bytes),
    }


def _failure(error: EngineError) -> web.Response:
    headers = {"X-ClickHouse-Exception-Code": str(error.code)}
    return web.Response(status=_STATUS_BY_CODE.get(error.code, 500), text=f"{error}\n", headers=headers)


def _exception_block(text: str, tag: str) -> bytes:
    """The end of a streamed answer that failed, as servers since 25.11 write it."""
    message = text.encode() + b"\n"
    end = f"{len(message)} {tag}".encode()
    return b"\r\n__exception__\r\n" + tag.encode() + b"\r\n" + message + end + b"\r\n__exception__\r\n"
