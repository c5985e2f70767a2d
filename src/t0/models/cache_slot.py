"""What of a model call the cache goes by, and what of its answer it keeps.

The key is the BLAKE3 digest of all that decides an answer. Nobody can make two calls with one such digest, so a hit is
not compared with the call behind it; with a faster digest that can be forged, one caller could choose another's answer.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from blake3 import blake3
from msgspec import Raw, Struct

from t0._core import cache_key
from t0.errors import DynamicJsonSchema
from t0.models.cache import InferenceCache
from t0.providers.base import Provider
from t0.providers.visible import visible_messages
from t0.schemas import dynamic_schema
from t0.storage.cache.base import CacheEntry
from t0.types.content import BlockChunk, OutputBlock, ToolCall
from t0.types.embedding import EmbeddingRequest
from t0.types.inference import CacheOptions
from t0.types.model import Chunk, Usage
from t0.types.tools import ToolConfig

if TYPE_CHECKING:
    from t0.models.call import ModelCall, ModelResult
    from t0.models.embedding import EmbeddingResult

log = logging.getLogger("t0")

T = TypeVar("T")


class StoredChunk(Struct, kw_only=True):
    """One chunk of a stream in an entry's `output`."""

    content: list[BlockChunk]
    usage: Usage | None = None
    raw_response: str


_encode = msgspec.json.Encoder().encode
_blocks = msgspec.json.Decoder(list[OutputBlock])
_chunks = msgspec.json.Decoder(list[StoredChunk])
_embedding = msgspec.json.Decoder(Raw)


class CachedBlocks(NamedTuple):
    entry: CacheEntry
    output: list[OutputBlock]


class CachedChunks(NamedTuple):
    entry: CacheEntry
    chunks: list[Chunk]


class CacheUse(Struct, frozen=True, kw_only=True):
    """How one inference uses the cache. Calls of different `part` never share an entry."""

    cache: InferenceCache
    reads: bool
    writes: bool
    max_age_s: int | None = None
    part: str = ""

    def of_call(self, provider: Provider, call: ModelCall) -> CacheSlot:
        """Where the call's answer by this provider has its place, complete or streamed."""
        return CacheSlot(self, call_key(provider, call, self.part))

    def of_embedding(self, model_name: str, provider_name: str, request: EmbeddingRequest) -> CacheSlot:
        return CacheSlot(self, embedding_key(model_name, provider_name, request))


def cache_use(cache: InferenceCache | None, options: CacheOptions, *, dryrun: bool) -> CacheUse | None:
    """What `cache_options` come to; None when the cache is left aside. A dry run never writes."""
    mode = options.enabled
    if cache is None or mode == "off":
        return None
    reads = mode in ("on", "read_only") and options.max_age_s != 0
    writes = mode in ("on", "write_only") and not dryrun
    if not reads and not writes:
        return None
    return CacheUse(cache=cache, reads=reads, writes=writes, max_age_s=options.max_age_s)


# -- keys --------------------------------------------------------------------------------------------------------------


def call_key(provider: Provider, call: ModelCall, part: str) -> str:
    request = call.request
    messages = visible_messages(request, provider.name, provider.thought_type)
    fetches = call.files is not None and call.files.fetches_all
    request = msgspec.structs.replace(request, messages=messages, fetch_and_encode_files=fetches)
    return _digest(["inference", request.model_name, provider.name, part, msgspec.to_builtins(request)])


def embedding_key(model_name: str, provider_name: str, request: EmbeddingRequest) -> str:
    return _digest(["embedding", model_name, provider_name, msgspec.to_builtins(request)])


def _digest(value: Any) -> str:
    return blake3(cache_key.material(value)).hexdigest()


# -- one call's place --------------------------------------------------------------------------------------------------


class CacheSlot:
    """The place of one provider's answer."""

    def __init__(self, use: CacheUse, key: str) -> None:
        self._use, self._key = use, key

    async def find_answer(self) -> CachedBlocks | None:
        entry = await self._find()
        output = _decoded(_blocks, entry)
        return None if entry is None or output is None else CachedBlocks(entry, output)

    async def find_stream(self) -> CachedChunks | None:
        entry = await self._find()
        stored = _decoded(_chunks, entry)
        if entry is None or not stored:
            return None
        chunks = [Chunk(content=c.content, usage=c.usage, raw=c.raw_response) for c in stored]
        chunks[-1].finish_reason = entry.finish_reason
        return CachedChunks(entry, chunks)

    async def find_embedding(self) -> tuple[CacheEntry, Raw] | None:
        entry = await self._find()
        embedding = _decoded(_embedding, entry)
        return None if entry is None or embedding is None else (entry, embedding)

    async def _find(self) -> CacheEntry | None:
        return await self._use.cache.find(self._key, self._use.max_age_s) if self._use.reads else None

    def keep_answer(self, result: ModelResult) -> None:
        """Keeps a complete answer, unless it calls a tool in a way that a function would not accept."""
        if not self._use.writes:
            return
        if not all(_fits(block, result.request.tools) for block in result.output if isinstance(block, ToolCall)):
            log.warning("Skipping cache write due to invalid output")
            return
        self._keep(_encode(result.output), result, result.raw_response)

    def keep_stream(self, chunks: list[Chunk], result: ModelResult) -> None:
        if self._use.writes and chunks:
            stored = [StoredChunk(content=c.content, usage=c.usage, raw_response=c.raw) for c in chunks]
            self._keep(_encode(stored), result, "")

    def _keep(self, output: bytes, result: ModelResult, raw_response: str) -> None:
        entry = CacheEntry(
            output=output.decode(),
            raw_request=result.raw_request,
            raw_response=raw_response,
            input_tokens=result.usage.input_tokens,
            output_tokens=result.usage.output_tokens,
            finish_reason=result.finish_reason,
        )
        self._use.cache.keep(self._key, entry)

    def keep_embedding(self, result: EmbeddingResult) -> None:
        """Keeps a single embedding; answers with several are not cached."""
        embeddings, usage = result.response.embeddings, result.response.usage
        if not self._use.writes or len(embeddings) != 1:
            return
        entry = CacheEntry(
            output=bytes(embeddings[0]).decode(),
            raw_request=result.raw_request,
            raw_response=result.raw_response,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )
        self._use.cache.keep(self._key, entry)


def _decoded(decoder: msgspec.json.Decoder[T], entry: CacheEntry | None) -> T | None:
    """What an entry holds; None for one that holds something else, as one of another release may."""
    if entry is None:
        return None
    try:
        return decoder.decode(entry.output)
    except msgspec.DecodeError as e:
        log.warning("an entry of the inference cache cannot be read: %s", e)
        return None


def _fits(call: ToolCall, tools: ToolConfig | None) -> bool:
    """Whether the call names an offered tool, with arguments that its parameters allow."""
    if tools is not None and any(t.name == call.name for t in tools.custom_tools):
        return True
    try:
        arguments = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    if tools is None:
        return True
    tool = next((t for t in tools.tools if t.name == call.name), None)
    if tool is None:
        return False
    try:
        return dynamic_schema(tool.parameters).is_valid(arguments)
    except DynamicJsonSchema:
        return False
