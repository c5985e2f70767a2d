"""What tells cached answers apart, what of an answer is kept, and what a hit gives back."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from kit import run
from t0.config.credentials import CredentialStore
from t0.models.cache import InferenceCache
from t0.models.cache_slot import CacheUse, cache_use, call_key, embedding_key
from t0.models.call import ModelCall, ModelResult
from t0.models.embedding import EmbeddingResult
from t0.providers.base import Provider
from t0.providers.registry import provider_class
from t0.storage.cache.base import CacheEntry
from t0.types.content import File, ModelMessage, OutputBlock, Text, TextChunk, Thought, ToolCall, ToolCallChunk, Unknown
from t0.types.embedding import EmbeddingRequest, EmbeddingResponse
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.inference import CacheOptions
from t0.types.model import Chunk, ModelRequest, Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ToolConfig


def provider(name: str = "p", **keys: Any) -> Provider:
    cls = provider_class("vllm")
    settings = {"model_name": "x", "api_base": "http://p.test/v1", "api_key_location": "none", **keys}
    return cls(name, cls.Config(**settings), CredentialStore({}, {}))


PROVIDER = provider()


def request(*content: Any, **fields: Any) -> ModelRequest:
    messages = [ModelMessage("user", list(content) or [Text("Hi")])]
    return ModelRequest(**{"model_name": "m", "messages": messages, "params": ChatCompletionParams(), **fields})


def call(request: ModelRequest, **fields: Any) -> ModelCall:
    return ModelCall(request, fields.pop("credentials", {}), [], **fields)


class Files:
    def __init__(self, fetches_all: bool) -> None:
        self.fetches_all = fetches_all


def tools(*functions: FunctionTool, **fields: Any) -> ToolConfig:
    return ToolConfig(
        **{"tools": list(functions), "custom_tools": [], "provider_tools": [], "choice": "auto", **fields}
    )


WEATHER = FunctionTool(
    "d", {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}, "weather"
)


# -- keys --------------------------------------------------------------------------------------------------------------

DIFFERENT = {
    "base": call(request()),
    "model": call(request(model_name="n")),
    "text": call(request(Text("Ho"))),
    "two_blocks": call(request(Text("H"), Text("i"))),
    "role": call(replace(request(), messages=[ModelMessage("assistant", [Text("Hi")])])),
    "system": call(request(system="s")),
    "empty_system": call(request(system="")),
    "own_thought": call(request(Thought("t", provider_type="vllm"), Text("Hi"))),
    "file_by_url": call(request(Text("Hi"), File(url="http://x/a.png"))),
    "other_file": call(request(Text("Hi"), File(url="http://x/b.png"))),
    "files_fetched": call(request(Text("Hi"), File(url="http://x/a.png")), files=Files(True)),
    "tools": call(request(tools=tools(WEATHER))),
    "tool_description": call(request(tools=tools(replace(WEATHER, description="e")))),
    "tool_choice": call(request(tools=tools(WEATHER, choice="required"))),
    "parallel": call(request(tools=tools(WEATHER, parallel_tool_calls=True))),
    "allowed_tools": call(request(tools=tools(WEATHER, allowed=["weather"]))),
    "custom_tools": call(request(tools=tools(custom_tools=[CustomTool("c")]))),
    "provider_tools": call(request(tools=tools(provider_tools=[ProviderTool(None, {"type": "search"})]))),
    "json_mode": call(request(json_mode="on")),
    "output_schema": call(request(output_schema={"type": "object"})),
    "function_type": call(request(function_type="json")),
    "stream": call(request(stream=True)),
    "variant_extra_body": call(request(variant_extra_body=[ExtraBody("/x", 1)])),
    "extra_body": call(request(extra_body=[ExtraBody("/x", 1)])),
    "extra_body_float": call(request(extra_body=[ExtraBody("/x", 1.0)])),
    "extra_body_null": call(request(extra_body=[ExtraBody("/x", None)])),
    "extra_body_delete": call(request(extra_body=[ExtraBody("/x", delete=True)])),
    "extra_headers": call(request(extra_headers=[ExtraHeader("x", "1")])),
    "variant_extra_headers": call(request(variant_extra_headers=[ExtraHeader("x", "1")])),
    **{
        name: call(request(params=ChatCompletionParams(**{name: value})))
        for name, value in {
            "temperature": 0.5,
            "max_tokens": 5,
            "seed": 5,
            "top_p": 0.5,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.5,
            "stop_sequences": ["x"],
            "reasoning_effort": "low",
            "service_tier": "flex",
            "thinking_budget_tokens": 5,
            "verbosity": "low",
        }.items()
    },
}


def test_calls_that_may_be_answered_differently_have_different_keys() -> None:
    keys = {name: call_key(PROVIDER, c, "") for name, c in DIFFERENT.items()}
    keys["provider"] = call_key(provider("q"), DIFFERENT["base"], "")
    keys["candidate_0"] = call_key(PROVIDER, DIFFERENT["base"], "candidate_0")
    keys["candidate_1"] = call_key(PROVIDER, DIFFERENT["base"], "candidate_1")
    assert len(set(keys.values())) == len(keys)
    assert {len(k) for k in keys.values()} == {64}


@pytest.mark.parametrize(
    ("provider", "call"),
    [
        pytest.param(PROVIDER, call(request(), credentials={"k": "secret"}), id="credentials"),
        pytest.param(provider(model_name="y", api_base="http://q.test/v2"), call(request()), id="provider_settings"),
        pytest.param(PROVIDER, call(request(Thought("t", provider_type="openai"), Text("Hi"))), id="foreign_thought"),
        pytest.param(PROVIDER, call(request(Unknown({}, "n"), Text("Hi"))), id="block_for_another_model"),
        pytest.param(PROVIDER, call(request(Unknown({}, "m", "q"), Text("Hi"))), id="block_for_another_provider"),
        pytest.param(PROVIDER, call(request(), files=Files(False)), id="no_files"),
    ],
)
def test_what_does_not_count(provider: Provider, call: ModelCall) -> None:
    assert call_key(provider, call, "") == call_key(PROVIDER, DIFFERENT["base"], "")


def test_a_key_stays_the_same_from_process_to_process() -> None:
    """A change of this digest makes all entries written before unreachable: worth a line in the change log."""
    key = "801e0b4d3c84af9374b7709fd6fc48ef3be70ecdd7e30f66d544f4ab9cf3019c"
    assert call_key(PROVIDER, DIFFERENT["base"], "") == key


EMBEDDINGS = [
    EmbeddingRequest(input="a"),
    EmbeddingRequest(input=["a"]),
    EmbeddingRequest(input=["a", "a"]),
    EmbeddingRequest(input=[1]),
    EmbeddingRequest(input=[[1]]),
    EmbeddingRequest(input="a", dimensions=3),
    EmbeddingRequest(input="a", encoding_format="base64"),
]


def test_keys_of_embeddings() -> None:
    keys = [embedding_key("e", "p", r) for r in EMBEDDINGS]
    keys += [embedding_key("f", "p", EMBEDDINGS[0]), embedding_key("e", "q", EMBEDDINGS[0])]
    assert len(set(keys)) == len(keys)


# -- options -----------------------------------------------------------------------------------------------------------


class ListCache:
    """Takes the place of the cache; every key is found while there is an entry."""

    def __init__(self, entry: CacheEntry | None = None) -> None:
        self.entry = entry
        self.kept: list[CacheEntry] = []

    async def find(self, key: str, max_age_s: int | None) -> CacheEntry | None:
        return self.entry

    def keep(self, key: str, entry: CacheEntry) -> None:
        self.kept.append(entry)


CACHE: InferenceCache = ListCache()  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("enabled", "dryrun", "reads_writes"),
    [
        ("on", False, (True, True)),
        ("read_only", False, (True, False)),
        ("write_only", False, (False, True)),
        ("off", False, None),
        ("on", True, (True, False)),
        ("read_only", True, (True, False)),
        ("write_only", True, None),
        ("off", True, None),
    ],
)
def test_modes(enabled: Any, dryrun: bool, reads_writes: tuple[bool, bool] | None) -> None:
    use = cache_use(CACHE, CacheOptions(enabled=enabled, max_age_s=9), dryrun=dryrun)
    assert (None if use is None else (use.reads, use.writes)) == reads_writes
    assert use is None or use.max_age_s == 9


@pytest.mark.parametrize(("enabled", "reads_writes"), [("on", (False, True)), ("read_only", None)])
def test_an_age_of_no_seconds_never_hits(enabled: Any, reads_writes: tuple[bool, bool] | None) -> None:
    use = cache_use(CACHE, CacheOptions(enabled=enabled, max_age_s=0), dryrun=False)
    assert (None if use is None else (use.reads, use.writes)) == reads_writes


def test_without_a_cache_the_options_have_no_effect() -> None:
    assert cache_use(None, CacheOptions(enabled="on"), dryrun=False) is None


# -- what is kept ------------------------------------------------------------------------------------------------------


def use_of(cache: ListCache, **fields: Any) -> CacheUse:
    return CacheUse(**{"cache": cache, "reads": True, "writes": True, **fields})


def result(*output: OutputBlock, tools: ToolConfig | None = None) -> ModelResult:
    return ModelResult(
        request=request(tools=tools),
        model_name="m",
        provider_name="p",
        provider_type="vllm",
        api_type="chat_completions",
        raw_request="sent",
        raw_response="came",
        output=list(output),
        usage=Usage(11, 7, 3, 4),
        raw_usage=[],
        finish_reason="stop",
        cost=None,
        response_time_ms=1,
    )


def test_a_complete_answer() -> None:
    cache = ListCache()
    output = [Thought("t", signature="s"), Text("é"), Unknown({"a": 1}, "m", "p")]
    slot = use_of(cache).of_call(PROVIDER, DIFFERENT["base"])
    slot.keep_answer(result(*output))
    entry = CacheEntry(
        output='[{"type":"thought","text":"t","signature":"s"},{"type":"text","text":"é"},'
        '{"type":"unknown","data":{"a":1},"model_name":"m","provider_name":"p"}]',
        raw_request="sent",
        raw_response="came",
        input_tokens=11,
        output_tokens=7,
        finish_reason="stop",
    )
    assert cache.kept == [entry]
    cache.entry = entry
    assert run(slot.find_answer()) == (entry, output)


def test_a_stream() -> None:
    cache = ListCache()
    chunks = [
        Chunk(content=[TextChunk("0", "a"), ToolCallChunk("1", None, "{")], raw="r1", finish_reason="length"),
        Chunk(content=[], usage=Usage(11, 7), raw_usage={"in": 11}, raw="r2"),
    ]
    slot = use_of(cache).of_call(PROVIDER, DIFFERENT["stream"])
    slot.keep_stream(chunks, result())
    (entry,) = cache.kept
    assert msgspec.json.decode(entry.output) == [
        {
            "content": [
                {"type": "text", "id": "0", "text": "a"},
                {"type": "tool_call", "id": "1", "raw_name": None, "raw_arguments": "{"},
            ],
            "usage": None,
            "raw_response": "r1",
        },
        {"content": [], "usage": msgspec.to_builtins(Usage(11, 7)), "raw_response": "r2"},
    ]
    assert replace(entry, output="") == CacheEntry(
        output="", raw_request="sent", raw_response="", input_tokens=11, output_tokens=7, finish_reason="stop"
    )
    cache.entry = entry
    found = run(slot.find_stream())
    assert found is not None
    assert found.chunks == [
        replace(chunks[0], finish_reason=None),
        replace(chunks[1], raw_usage=None, finish_reason="stop"),
    ]


def test_an_embedding() -> None:
    cache = ListCache()
    slot = use_of(cache).of_embedding("e", "p", EMBEDDINGS[0])
    slot.keep_embedding(embeddings(b"[0.5, 1]"))
    entry = CacheEntry(output="[0.5, 1]", raw_request="sent", raw_response="came", input_tokens=4, output_tokens=0)
    assert cache.kept == [entry]
    cache.entry = entry
    found = run(slot.find_embedding())
    assert found is not None
    assert (found[0], bytes(found[1])) == (entry, b"[0.5, 1]")


def embeddings(*vectors: bytes) -> EmbeddingResult:
    return EmbeddingResult(
        response=EmbeddingResponse(embeddings=[Raw(v) for v in vectors], usage=Usage(4, 0)),
        provider_type="openai",
        api_type="embeddings",
        raw_request="sent",
        raw_response="came",
        cost=None,
    )


@pytest.mark.parametrize("vectors", [(), (b"[1]", b"[2]")], ids=["none", "two"])
def test_only_a_single_embedding_is_kept(vectors: tuple[bytes, ...]) -> None:
    cache = ListCache()
    use_of(cache).of_embedding("e", "p", EMBEDDINGS[0]).keep_embedding(embeddings(*vectors))
    assert cache.kept == []


def test_a_use_that_does_not_write() -> None:
    cache = ListCache()
    slot = use_of(cache, writes=False).of_call(PROVIDER, DIFFERENT["base"])
    slot.keep_answer(result(Text("a")))
    slot.keep_stream([Chunk(content=[])], result())
    slot.keep_embedding(embeddings(b"[1]"))
    assert cache.kept == []


def test_a_use_that_does_not_read() -> None:
    slot = use_of(ListCache(CacheEntry(output="[]", raw_request="", raw_response="")), reads=False).of_call(
        PROVIDER, DIFFERENT["base"]
    )
    assert (run(slot.find_answer()), run(slot.find_stream()), run(slot.find_embedding())) == (None, None, None)


@pytest.mark.parametrize(
    ("call", "offered", "kept"),
    [
        pytest.param(ToolCall("1", "weather", '{"place":"x"}'), tools(WEATHER), True, id="valid"),
        pytest.param(ToolCall("1", "climate", '{"place":"x"}'), tools(WEATHER), False, id="unknown_tool"),
        pytest.param(ToolCall("1", "weather", '{"place":1}'), tools(WEATHER), False, id="not_by_the_schema"),
        pytest.param(ToolCall("1", "weather", "{"), tools(WEATHER), False, id="no_json"),
        pytest.param(
            ToolCall("1", "weather", "{}"), tools(replace(WEATHER, parameters={"type": 1})), False, id="no_schema"
        ),
        pytest.param(ToolCall("1", "c", "free text"), tools(custom_tools=[CustomTool("c")]), True, id="custom"),
        pytest.param(ToolCall("1", "own", "{}"), None, True, id="none_offered"),
        pytest.param(ToolCall("1", "own", "{"), None, False, id="none_offered_and_no_json"),
    ],
)
def test_tool_calls_that_a_function_would_not_accept_are_not_kept(
    call: ToolCall, offered: ToolConfig | None, kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ListCache()
    slot = use_of(cache).of_call(PROVIDER, DIFFERENT["base"])
    slot.keep_answer(result(Text("a"), call, tools=offered))
    assert bool(cache.kept) is kept
    assert caplog.messages == ([] if kept else ["Skipping cache write due to invalid output"])


@pytest.mark.parametrize("output", ["", "{", '{"a":1}', '[{"type":"new"}]', '[{"content":1}]'])
def test_an_entry_that_holds_something_else_counts_as_missing(output: str, caplog: pytest.LogCaptureFixture) -> None:
    cache = ListCache(CacheEntry(output=output, raw_request="", raw_response=""))
    slot = use_of(cache).of_call(PROVIDER, DIFFERENT["base"])
    assert (run(slot.find_answer()), run(slot.find_stream())) == (None, None)
    assert [m.partition(":")[0] for m in caplog.messages] == ["an entry of the inference cache cannot be read"] * 2


def test_an_empty_stream_is_neither_kept_nor_found() -> None:
    cache = ListCache(CacheEntry(output="[]", raw_request="", raw_response=""))
    slot = use_of(cache).of_call(PROVIDER, DIFFERENT["stream"])
    slot.keep_stream([], result())
    assert (cache.kept, run(slot.find_stream())) == ([], None)
