"""What stands behind the `dummy` provider: a transport that makes up its answers."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from t0._core import uuid7
from t0.errors import RateLimitExceeded
from t0.providers.dummy_answers import (
    DEFAULT_RAW,
    STREAMED_TOOLS,
    answer_blocks,
    answer_usage,
    raw_answer,
    stream_blocks,
)
from t0.providers.extra import applicable, apply_body, apply_headers
from t0.types.content import BlockChunk, File, OutputBlock, Text, TextChunk, ToolCallChunk
from t0.types.model import Chunk, ModelRequest, ModelResponse
from t0.upstream.base import HttpRequest, HttpResponse, HttpStream

ANSWER_HEADER = "x-dummy-answer"
FAILURE_HEADER = "x-dummy-failure"

GAP_S = 0.01
SLOW_S = 5
SLOW_CHUNK_S = 2

SILENT = frozenset({"reasoner", "json_reasoner", "json"})
"""Models whose streamed chunks have no raw text."""


class Failure(Struct):
    message: str
    kind: Literal["client", "server", "fatal_stream"] = "client"
    status: int | None = None
    raw_request: str | None = "raw request"
    raw_response: str | None = None


class Line(Struct):
    """One line of a stream: a chunk or a failure."""

    chunk: Chunk | None = None
    failure: Failure | None = None


class DummyRequest(HttpRequest, frozen=True):
    """A request that carries the call itself, since there is no wire to put it on."""

    model: str
    call: ModelRequest
    key: str | None
    provider_name: str
    config: Any


class DummyStream:
    """An open stream: the lines come one by one, with the model's gaps between them."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "text/event-stream"}

    def __init__(self, model: str, lines: list[Line]) -> None:
        self._model = model
        self._lines = lines
        self._next = 0

    async def read(self) -> bytes:
        at, self._next = self._next, self._next + 1
        if at >= len(self._lines):
            return b""
        if at:
            await asyncio.sleep(SLOW_CHUNK_S if at == 1 and self._model == "slow_second_chunk" else GAP_S)
        return msgspec.json.encode(self._lines[at]) + b"\n"

    def close(self) -> None:
        self._next = len(self._lines)


class FailedStream(DummyStream):
    """A stream that does not open."""

    def __init__(self, failure: Failure) -> None:
        super().__init__("", [])
        self.status = failure.status or 500
        self.headers = _failure_headers(failure)


class DummyTransport:
    """Answers `DummyRequest`s. Calls of `flaky_…` models are counted here, by name."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    async def send(self, request: HttpRequest) -> HttpResponse:
        assert isinstance(request, DummyRequest)
        failure = await self._delay_or_fail(request)
        if failure is None:
            failure = refusal(request)
        if failure is not None:
            return HttpResponse(failure.status or 500, _failure_headers(failure), b"")
        answer, raw = complete_answer(request)
        return HttpResponse(200, {ANSWER_HEADER: msgspec.json.encode(answer).decode()}, raw.encode())

    async def stream(self, request: HttpRequest) -> HttpStream:
        assert isinstance(request, DummyRequest)
        failure = await self._delay_or_fail(request)
        if failure is not None:
            return FailedStream(failure)
        return DummyStream(request.model, stream_lines(request.model))

    async def _delay_or_fail(self, request: DummyRequest) -> Failure | None:
        model = request.model
        if model == "slow":
            await asyncio.sleep(SLOW_S)
        if model.startswith("flaky_"):
            self._calls[model] += 1
            if self._calls[model] % 2 == 0:
                return _flaky_failure(model, self._calls[model], request.call.stream)
        return named_failure(model, request.key)


def _flaky_failure(model: str, call: int, stream: bool) -> Failure:
    message = f"Flaky model '{model}' failed on call number {call}"
    if "rate_limit" in model and not stream:
        raise RateLimitExceeded(message)
    raw = "dummy flaky error raw response" if "raw_response" in model else None
    return Failure(message, raw_response=raw)


def named_failure(model: str, key: str | None) -> Failure | None:
    """The failure that a model's name asks for, complete or streamed."""
    if model == "error_with_raw_response":
        return Failure(
            "Error from Dummy provider with raw response",
            status=500,
            raw_request="dummy error raw request",
            raw_response="dummy error raw response",
        )
    if model.startswith("error"):
        return Failure(f"Error sending request to Dummy provider for model '{model}'.")
    if model == "test_key" and key is not None and key != "good_key":
        return Failure("Invalid API key for Dummy provider")
    return None


def refusal(request: DummyRequest) -> Failure | None:
    """The failure of models that look at their input, complete answers only."""
    model, messages = request.model, request.call.messages
    if model == "llm_judge::error":
        return Failure("Dummy error in inference")
    if model == "require_pdf" and not any(f.mime_type == "application/pdf" for f in _files(request.call)):
        return Failure("PDF must be provided for require_pdf model")
    if model == "multiple-text-blocks":
        texts = [b for b in messages[0].content if isinstance(b, Text)] if messages else []
        if len(texts) != 2 or len(messages[0].content) != 2:
            return Failure("First message must have exactly two text blocks")
    return None


def complete_answer(request: DummyRequest) -> tuple[ModelResponse, str]:
    """The answer, and the raw text shown for it."""
    model = request.model
    output = _reflected(request)
    if output is None:
        output = answer_blocks(model)
    response = ModelResponse(
        output=output,
        usage=answer_usage(model, len(output)),
        finish_reason="tool_call" if "tool" in model else "stop",
    )
    return response, raw_answer(model) or DEFAULT_RAW


def _reflected(request: DummyRequest) -> list[OutputBlock] | None:
    """The answer of models that show what they were sent, None for all others."""
    call = request.call
    match request.model:
        case "echo":
            return [Text(_last_user_text(call))]
        case "random_answer":
            return [Text(f'{{"answer":"{uuid7.new()}"}}')]
        case "echo_request_messages":
            return [_json({"system": call.system, "messages": call.messages})]
        case "echo_extra_info":
            return [_json({"extra_body": _bodies(request), "extra_headers": _headers(request)})]
        case "echo_injected_data":
            body: dict[str, Any] = {}
            apply_body(body, _bodies(request))
            return [_json({"injected_body": body, "injected_headers": apply_headers((), _headers(request))})]
        case "extract_images" | "require_pdf":
            return [_json(_files(call))]
        case _:
            return None


def _json(value: Any) -> Text:
    return Text(msgspec.json.encode(value).decode())


def _last_user_text(call: ModelRequest) -> str:
    users = [m for m in call.messages if m.role == "user"]
    texts = [b.text for b in users[-1].content if isinstance(b, Text)] if users else []
    return texts[0] if texts else ""


def _files(call: ModelRequest) -> list[File]:
    return [b for m in call.messages for b in m.content if isinstance(b, File)]


def _bodies(request: DummyRequest) -> list[Any]:
    call = request.call
    layers = (call.variant_extra_body, request.config.extra_body, call.extra_body)
    return [e for layer in layers for e in applicable(layer, call, request.provider_name)]


def _headers(request: DummyRequest) -> list[Any]:
    call = request.call
    layers = (call.variant_extra_headers, request.config.extra_headers, call.extra_headers)
    return [e for layer in layers for e in applicable(layer, call, request.provider_name)]


def stream_lines(model: str) -> list[Line]:
    """All lines of a streamed answer, the last one with usage and finish reason."""
    blocks = stream_blocks(model)
    lines = [Line(Chunk(content=[b], raw="" if model in SILENT else _raw(b))) for b in blocks]
    for at, failure in _stream_failures(model):
        lines[at] = Line(failure=failure)
        if failure.kind == "fatal_stream":
            return lines[: at + 1]
    usage = answer_usage(model, len(blocks))
    counts = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    totals = {**counts, "total_tokens": (usage.input_tokens or 0) + (usage.output_tokens or 0)}
    last = Chunk(
        content=[],
        usage=usage,
        finish_reason="tool_call" if model in STREAMED_TOOLS else "stop",
        raw=msgspec.json.encode({"usage": totals}).decode(),
    )
    return [*lines, Line(last)]


def _raw(block: BlockChunk) -> str:
    if isinstance(block, ToolCallChunk):
        return block.raw_arguments
    return block.text if isinstance(block, TextChunk) else ""


def _stream_failures(model: str) -> list[tuple[int, Failure]]:
    raw = " with raw response" if model.endswith("_with_raw_response") else ""
    if model.startswith("err_in_stream"):
        body = '{"error": "dummy client raw response"}' if raw else None
        return [(3, Failure("Dummy error in stream" + raw, raw_response=body))]
    if model.startswith("fatal_stream_error"):
        body = '{"error": "dummy fatal raw response"}' if raw else None
        return [(2, Failure("Dummy fatal error" + raw, kind="fatal_stream", raw_response=body))]
    return []


def _failure_headers(failure: Failure) -> dict[str, str]:
    return {FAILURE_HEADER: msgspec.json.encode(failure).decode()}
