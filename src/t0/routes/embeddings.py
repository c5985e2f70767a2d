"""`POST /openai/v1/embeddings`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from t0.errors import JsonRequest, RequestError
from t0.inference.embed import EmbedAnswer, EmbedRequest, embed
from t0.routes import openai_face
from t0.routes.decode import decode
from t0.routes.http import Request, Response, json_response
from t0.routes.native import U32, WireCacheOptions, failed_entries, to_cache_options
from t0.types.embedding import EmbeddingInput, EmbeddingRequest
from t0.types.inference import RawEntry

if TYPE_CHECKING:
    from t0.gateway import Gateway

_PREFIX = "tensorzero::embedding_model_name::"
_INPUT_KINDS: tuple[Any, ...] = (str, list[str], list[U32], list[list[U32]])

log = logging.getLogger("t0")


class WireEmbeddings(Struct, kw_only=True):
    """Unknown keys are ignored."""

    model: str
    input: Any
    dimensions: U32 | None = None
    encoding_format: Literal["float", "base64"] = "float"
    credentials: dict[str, str] = field(name="tensorzero::credentials", default_factory=dict)
    dryrun: bool | None = field(name="tensorzero::dryrun", default=None)
    cache_options: WireCacheOptions | None = field(name="tensorzero::cache_options", default=None)
    include_raw_response: bool = field(name="tensorzero::include_raw_response", default=False)


class WireEmbedding(Struct, kw_only=True):
    object: str = "embedding"
    embedding: Raw
    index: int


class WireUsage(Struct):
    prompt_tokens: int | None
    total_tokens: int | None
    tensorzero_cost: float | None


class WireAnswer(Struct, kw_only=True):
    object: str = "list"
    data: list[WireEmbedding]
    model: str
    usage: WireUsage
    raw_response: list[RawEntry] | UnsetType = field(name="tensorzero::raw_response", default=UNSET)


_decoder = msgspec.json.Decoder(WireEmbeddings)


async def embeddings(gateway: Gateway, request: Request) -> Response:
    call = parse(request.body)
    try:
        return json_response(_wire_answer(await embed(gateway, call)))
    except RequestError as e:
        body: dict[str, Any] = openai_face.error_body(e)
        if call.include_raw_response and (entries := failed_entries(e.provider_failures())):
            body["tensorzero_raw_response"] = entries
        return json_response(body, e.status)


def parse(body: bytes) -> EmbedRequest:
    """The request in `body`. Raises `JsonRequest`."""
    wire = decode(body, _decoder)
    return EmbedRequest(
        model_name=_model_name(wire.model),
        request=EmbeddingRequest(
            input=_input(wire.input), dimensions=wire.dimensions, encoding_format=wire.encoding_format
        ),
        credentials=wire.credentials,
        dryrun=bool(wire.dryrun),
        cache_options=to_cache_options(wire.cache_options),
        include_raw_response=wire.include_raw_response,
    )


def _model_name(model: str) -> str:
    if not model.startswith(_PREFIX):
        log.warning("Deprecation warning: write the embedding model `%s` as `%s%s`", model, _PREFIX, model)
    return model.removeprefix(_PREFIX)


def _input(value: Any) -> EmbeddingInput:
    for kind in _INPUT_KINDS:
        try:
            found: EmbeddingInput = msgspec.convert(value, kind)
            return found
        except msgspec.ValidationError:
            continue
    raise JsonRequest("input: data did not match any variant of untagged enum EmbeddingInput")


def _wire_answer(answer: EmbedAnswer) -> WireAnswer:
    tokens = answer.usage.input_tokens
    return WireAnswer(
        data=[WireEmbedding(embedding=e, index=i) for i, e in enumerate(answer.embeddings)],
        model=_PREFIX + answer.model_name,
        usage=WireUsage(tokens, tokens, answer.usage.cost),
        raw_response=UNSET if answer.raw_response is None else answer.raw_response,
    )
