"""A gateway in memory: a scripted way to providers, a writer that keeps records, a clock that does not wait."""

import asyncio
import json
import re
import selectors
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import h11
import msgspec

from processes import completion, completion_events, write_config
from t0.app import App
from t0.config.load import load
from t0.errors import UpstreamError
from t0.gateway import Gateway
from t0.inference.run import infer
from t0.kinds import all_kinds
from t0.routes import native
from t0.routes.body import MAX_BODY_BYTES
from t0.server.connection import Connection, ServerLimits
from t0.storage.reader import Target, WorkflowRun
from t0.timers import TimerWheel
from t0.types.inference import InferenceRequest
from t0.types.record import Record
from t0.upstream.base import HttpRequest, HttpResponse

T = TypeVar("T")

SNAPSHOT = "1234"

# -- time --------------------------------------------------------------------------------------------------------------


class _Jump(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock on to it."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.skipped_s += timeout
        return ready


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop in which every pause takes its time by `loop.time()`, and none by the clock on the wall."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return super().time() + self._jump.skipped_s


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work` in an `InstantLoop`."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return runner.run(work)


def run_timed(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result of `work`, and the seconds it would have taken."""

    async def timed() -> tuple[T, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        return await work, loop.time() - began

    return run(timed())


# -- providers ---------------------------------------------------------------------------------------------------------

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
NEVER = float("inf")


@dataclass
class Reply:
    """One answer of a provider. Parts of a stream are bytes, seconds to wait, or the error that ends it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: bytes = b""
    parts: Iterable[bytes | float | Exception] | None = None
    wait_s: float = 0.0
    error: Exception | None = None


def says(text: str = "Hello", **more: Any) -> Reply:
    """A complete answer of an OpenAI-compatible provider: 11 tokens in, 7 out."""
    return Reply(body=json.dumps(completion(text, **more)).encode())


def answers(message: dict[str, Any], *, finish_reason: str | None = "stop", usage: Any = ...) -> Reply:
    """A complete answer with this `message`."""
    body = completion("")
    body["choices"] = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}]
    if usage is not ...:
        body["usage"] = usage
    return Reply(body=json.dumps(body).encode())


def calls(*tools: tuple[str, str]) -> Reply:
    """A complete answer that calls tools, given as names and arguments."""
    called = [
        {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(tools)
    ]
    return answers({"content": None, "tool_calls": called}, finish_reason="tool_calls")


def fails(status: int, text: str) -> Reply:
    return Reply(status=status, headers={"content-type": "text/plain"}, body=text.encode())


def breaks(error: Exception) -> Reply:
    """No answer at all."""
    return Reply(error=error)


def hangs() -> Reply:
    """An answer that never comes."""
    return Reply(wait_s=NEVER)


def sse(*payloads: Any) -> bytes:
    """Events as a provider sends them; strings go as they are."""
    texts = (p if isinstance(p, str) else json.dumps(p) for p in payloads)
    return "".join(f"data: {t}\n\n" for t in texts).encode()


def streams(*parts: bytes | float | Exception) -> Reply:
    return Reply(headers=EVENTS, parts=parts)


def tells(*texts: str) -> Reply:
    """A streamed answer in these pieces, each arriving by itself; the usage comes last."""
    return streams(*(sse(event) for event in completion_events(*texts)))


def delta(content: Any = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of an OpenAI stream."""
    fields = more if content is None else {"content": content, **more}
    return {"id": "c", "choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


class FakeTransport:
    """Gives its replies in their order, and keeps the requests. `closed` streams are those that were given back."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[HttpRequest] = []
        self.streams: list[FakeStream] = []
        self.is_closed = False

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(r.body) for r in self.requests]

    @property
    def models(self) -> list[str]:
        """The models that were asked, in order."""
        return [body["model"] for body in self.bodies]

    async def _next(self, request: HttpRequest) -> Reply:
        self.requests.append(request)
        assert self.replies, f"no reply is left for {request.url}"
        reply = self.replies.pop(0)
        await _pause(reply.wait_s)
        if reply.error is not None:
            raise reply.error
        return reply

    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await self._next(request)
        return HttpResponse(reply.status, reply.headers, reply.body)

    async def stream(self, request: HttpRequest) -> "FakeStream":
        reply = await self._next(request)
        parts = [reply.body] if reply.parts is None else reply.parts
        self.streams.append(FakeStream(reply.status, reply.headers, parts))
        return self.streams[-1]

    async def close(self) -> None:
        self.is_closed = True


class FakeStream:
    def __init__(self, status: int, headers: Mapping[str, str], parts: Iterable[bytes | float | Exception]) -> None:
        self.status, self.headers = status, headers
        self.is_closed = False
        self._parts = iter(parts)

    async def read(self) -> bytes:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, bytes):
                return part
            await _pause(part)
        return b""

    def close(self) -> None:
        self.is_closed = True


async def _pause(seconds: float) -> None:
    if seconds == NEVER:
        await asyncio.get_running_loop().create_future()
    elif seconds:
        await asyncio.sleep(seconds)


class LostConnection(UpstreamError):
    """What a transport raises when the other side has gone."""


# -- storage -----------------------------------------------------------------------------------------------------------


class ListWriter:
    """Keeps what it is given; `waited` are the receipts somebody waited for."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.waited: list[int] = []
        self.is_closed = False

    def append(self, record: Record) -> int:
        self.records.append(record)
        return len(self.records)

    async def wait_stored(self, receipt: int) -> bool:
        self.waited.append(receipt)
        return True

    def close(self) -> None:
        self.is_closed = True


class FakeReader:
    """A database that knows these inferences, and the columns of their rows."""

    def __init__(
        self,
        targets: Mapping[str, Target] | None = None,
        rows: Mapping[str, dict[str, Any]] | None = None,
        runs: Mapping[str, WorkflowRun] | None = None,
    ) -> None:
        self.targets, self.rows, self.runs = dict(targets or {}), dict(rows or {}), dict(runs or {})
        self.looks = 0
        self.visible_after = 0
        """How many looks are in vain."""
        self.error: Exception | None = None
        self.is_closed = False
        self.healthy = True

    def _look(self) -> bool:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.looks > self.visible_after

    async def inference(self, inference_id: str) -> Target | None:
        return self.targets.get(inference_id) if self._look() else None

    async def episode_exists(self, episode_id: str) -> bool:
        return self._look() and any(t.episode_id == episode_id for t in self.targets.values())

    async def inference_row(self, inference_id: str, target: Target, columns: str) -> dict[str, Any] | None:
        row = self.rows.get(inference_id)
        return None if row is None else {name: row[name] for name in columns.split(", ")}

    async def workflow_run(self, episode_id: str) -> WorkflowRun | None:
        return self.runs.get(episode_id)

    async def is_healthy(self) -> bool:
        return self.healthy

    async def close(self) -> None:
        self.is_closed = True


# -- the gateway -------------------------------------------------------------------------------------------------------


def model(name: str = "m", *providers: str, keys: str = "", provider_keys: str = "") -> str:
    """A model whose providers are vLLM servers; each asks for the model named after it."""
    names = providers or ("p",)
    listed = ", ".join(f'"{p}"' for p in names)
    tables = "".join(
        f'[models.{name}.providers.{p}]\ntype = "vllm"\nmodel_name = "{name}-{p}"\n'
        f'api_base = "http://{p}.test/v1"\napi_key_location = "none"\n{provider_keys}\n'
        for p in names
    )
    return f"[models.{name}]\nrouting = [{listed}]\n{keys}\n{tables}"


def variant(name: str, keys: str = "", *, function: str = "f", model: str = "m") -> str:
    return f'[functions.{function}.variants.{name}]\ntype = "chat_completion"\nmodel = "{model}"\n{keys}\n'


def chat(*variants: str, name: str = "f", keys: str = "") -> str:
    return f'[functions.{name}]\ntype = "chat"\n{keys}\n' + ("".join(variants) or variant("v", function=name))


def json_function(*variants: str, name: str = "j", keys: str = "") -> str:
    own = "".join(variants) or variant("v", 'json_mode = "on"', function=name)
    return f'[functions.{name}]\ntype = "json"\n{keys}\n{own}'


SMALL = model() + chat()
"""One model `m`, one chat function `f` with the variant `v`."""


@dataclass
class Kit:
    """A gateway and what stands around it."""

    gateway: Gateway
    transport: FakeTransport
    writer: ListWriter
    reader: FakeReader | None

    @property
    def records(self) -> list[Record]:
        return self.writer.records

    async def infer(self, **body: Any) -> Any:
        """The middle's answer to a native request."""
        return await infer(self.gateway, parsed(**body))

    async def call(self, path: str, body: Any = None, method: str = "POST", **options: Any) -> "Answer":
        """The answer over HTTP; `body` is encoded unless it is bytes."""
        async with serving(self.gateway) as app:
            return await ask(app, method, path, body, **options)


def make(
    folder: Path,
    toml: str = SMALL,
    *replies: Reply,
    files: Mapping[str, str] = {},
    env: Mapping[str, str] = {},
    reader: FakeReader | None = None,
    stores: bool = True,
) -> Kit:
    """A gateway for this configuration, to be used within an event loop. Without `stores` it has no database."""
    transport, writer = FakeTransport(*replies), ListWriter()
    if stores and reader is None:
        reader = FakeReader()
    gateway = Gateway(
        load(str(write_config(folder, toml, files)), all_kinds(), env),
        env=env,
        data_dir=folder / "data",
        transport=transport,
        writer=writer,  # type: ignore[arg-type]
        reader=reader,  # type: ignore[arg-type]
        snapshot_hash=SNAPSHOT,
    )
    return Kit(gateway, transport, writer, reader)


HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


def parsed(**body: Any) -> InferenceRequest:
    """A native request for function `f`, unless it says otherwise."""
    target = {} if {"function_name", "model_name"} & set(body) else {"function_name": "f"}
    return native.parse(msgspec.json.encode({**target, "input": HI, **body}))


# -- clients -----------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def events(self) -> list[Any]:
        """The data of each event, decoded; comments and `[DONE]` as text."""
        return [_event(e) for e in self.body.decode().split("\n\n") if e]


def _event(text: str) -> Any:
    data = text.removeprefix("data: ")
    return text if data == text else data if data == "[DONE]" else json.loads(data)


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[App]:
    """The application of a gateway that is closed in the end."""
    try:
        yield App(gateway)
    finally:
        await gateway.close()


class Client(asyncio.Transport):
    """A client in memory, on its connection to the server. h11 judges and reads what it is sent.

    It leaves after so many pieces of the answer, if `leaves_after` says so.
    """

    def __init__(self, app: App, leaves_after: int | None = None) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._h11 = h11.Connection(h11.CLIENT)
        self._left = leaves_after
        self._is_gone = False
        self.pieces = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when the answer is whole, or when the server is done with a client that has left."""
        limits = ServerLimits(max_body_bytes=MAX_BODY_BYTES)
        self.connection = Connection(self._loop, app.answer, limits, TimerWheel(self._loop), self._on_end)
        self.connection.connection_made(self)

    def send(self, method: str, path: str, query: bytes, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        target = quote(path).encode() + (b"?" + query if query else b"")
        fields = [("host", "t0"), ("content-length", str(len(body))), *headers]
        head = self._h11.send(h11.Request(method=method, target=target, headers=fields))
        data = self._h11.send(h11.Data(data=body)) if body else b""
        assert head is not None
        assert data is not None
        self._h11.send(h11.EndOfMessage())
        self.connection.data_received(head + data)
        self._leave_if_due()

    def answer(self) -> "Answer":
        """What of it has come."""
        answer = Answer(0, {}, b"")
        while not isinstance(event := self._h11.next_event(), type):
            if isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.headers = {k.decode(): v.decode() for k, v in event.headers.raw_items()}
                assert abs(parsedate_to_datetime(answer.headers.pop("date")).timestamp() - time.time()) < 60
            elif isinstance(event, h11.Data):
                answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
        return answer

    # -- for the server --

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_gone:  # the server does not know it yet
            return
        self._h11.receive_data(bytes(data))
        self.pieces += 1
        self._leave_if_due()
        if not self.connection.is_idle:
            self._loop.call_soon(self._look)

    def close(self) -> None:
        self._leave()

    def _look(self) -> None:
        """The last piece is written in the step that ends the request."""
        if self.connection.is_idle and not self.ended.done():
            self.ended.set_result(None)

    def _leave_if_due(self) -> None:
        if self.pieces == self._left:
            self._leave()

    def _leave(self) -> None:
        if not self._is_gone:
            self._is_gone = True
            self._loop.call_soon(self.connection.connection_lost, None)

    def _on_end(self, connection: Connection) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def ask(
    app: App,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Iterable[tuple[str, str]] = (),
    query: bytes = b"",
) -> Answer:
    """One request and its answer."""
    client = Client(app)
    content = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    client.send(method, path, query, headers, content)
    await client.ended
    return client.answer()


# -- values that differ from run to run --------------------------------------------------------------------------------

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def _by_name(value: Any) -> Any:
    """Structs that are written without names of fields, with these; fields that have their defaults are left out."""
    if isinstance(value, list):
        return [_by_name(item) for item in value]
    if not isinstance(value, msgspec.Struct) or not value.__struct_config__.array_like:
        return value
    tag = value.__struct_config__.tag
    shown = {} if tag is None else {"kind": tag}
    for known in msgspec.structs.fields(value):
        made = known.default if known.default_factory is msgspec.NODEFAULT else known.default_factory()
        if (item := getattr(value, known.name)) != made:
            shown[known.name] = _by_name(item)
    return shown


def renamed(value: Any) -> Any:
    """The value as JSON, with its UUIDv7s called `<1>`, `<2>` by first appearance, and `created` made `<now>`."""
    text = msgspec.json.encode(_by_name(value)).decode()
    names: dict[str, str] = {}
    text = _UUID7.sub(lambda m: names.setdefault(m[0], f"<{len(names) + 1}>"), text)
    return json.loads(re.sub(r'"created":\d{10}\b', '"created":"<now>"', text))


def untimed(record: Record) -> Any:
    """A record as `renamed` gives it; its measured times, which must be there, are made `<time>`."""
    shown = renamed(record)
    times = {"overhead_s", "processing_time_ms", "response_time_ms", "ttft_ms"}

    def hide(value: Any) -> Any:
        if isinstance(value, list):
            return [hide(v) for v in value]
        if not isinstance(value, dict):
            return value
        return {k: "<time>" if k in times and v is not None and v >= 0 else hide(v) for k, v in value.items()}

    return hide(shown)
