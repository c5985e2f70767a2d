"""`POST /inference` and `POST /openai/v1/chat/completions`: the same call behind two faces."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from t0._core import sse
from t0.errors import RequestError
from t0.inference.run import infer
from t0.inference.stream import AnswerStream, Event, raw_chunk_of
from t0.routes import native, openai_wire
from t0.routes.http import EventStream, Request, Response
from t0.routes.openai_face import OpenAIFace
from t0.types.inference import Answer, AnswerChunk, InferenceRequest

if TYPE_CHECKING:
    from t0.gateway import Gateway

_DONE = b"[DONE]"


class Face(Protocol):
    """How one API encodes answers."""

    def answer(self, answer: Answer) -> bytes: ...

    def start(self, inference_id: str, episode_id: str, variant_name: str) -> None: ...

    def chunk(self, chunk: AnswerChunk) -> bytes: ...

    def stream_error(self, error: RequestError, raw_chunk: str | None) -> bytes: ...

    def error(self, error: RequestError, include_raw_response: bool) -> bytes: ...


def inference(gateway: Gateway, request: Request) -> Awaitable[Response | EventStream]:
    return _answer(gateway, native.parse(request.body), native.NativeFace())


def chat_completions(gateway: Gateway, request: Request) -> Awaitable[Response | EventStream]:
    parsed = openai_wire.parse(request.body)
    return _answer(gateway, parsed.inference, OpenAIFace(parsed.inference, parsed.include_usage))


async def _answer(gateway: Gateway, request: InferenceRequest, face: Face) -> Response | EventStream:
    try:
        answer = await infer(gateway, request)
    except RequestError as e:
        return Response(status=e.status, body=face.error(e, request.include.raw_response))
    if isinstance(answer, AnswerStream):
        return AnswerEvents(answer, face, request.include.raw_response)
    return Response(body=face.answer(answer))


class AnswerEvents(EventStream):
    """The events of one answer as a face encodes them; chunks that arrived together leave together."""

    def __init__(self, stream: AnswerStream, face: Face, include_raw: bool) -> None:
        self._stream, self._face, self._include_raw = stream, face, include_raw
        face.start(stream.inference_id, stream.episode_id, stream.variant_name)

    async def next(self) -> bytes:
        payloads = [self._payload(event) for event in await self._stream.next()]
        if self._stream.ended:
            self.ended = True
            payloads.append(_DONE)
        return sse.encode(payloads)

    def _payload(self, event: Event) -> bytes:
        if isinstance(event, AnswerChunk):
            return self._face.chunk(event)
        return self._face.stream_error(event, raw_chunk_of(event) if self._include_raw else None)
