"""Answers in the OpenAI form: whole bodies, whole chunks."""

import json
import time

import pytest

from kit import parsed, renamed
from t0.errors import AllModelProvidersFailed, InvalidRequest, ProviderFailure
from t0.routes.openai_face import FINISH_REASONS, OpenAIFace
from t0.types.content import (
    JsonOutput,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCallChunk,
    ToolCallOutput,
    Unknown,
    UnknownChunk,
)
from t0.types.inference import Answer, AnswerChunk, RawEntry
from t0.types.model import Usage

IDS = {"inference_id": "I", "episode_id": "E", "variant_name": "v"}
HEAD = {"id": "I", "episode_id": "E", "created": "<now>", "system_fingerprint": "", "service_tier": None}
F_MODEL = "tensorzero::function_name::f::variant_name::v"
UNKNOWN_COST = {"tensorzero_cost": None}
ENTRY = RawEntry(provider_type="openai", api_type="chat_completions", data="x")
WIRE_ENTRY = {"provider_type": "openai", "api_type": "chat_completions", "data": "x"}


def face(include_usage=False, **request):
    return OpenAIFace(parsed(**request), include_usage)


def answered(made=None, **fields):
    answer = Answer(**IDS, **{"output": [], "usage": Usage(), **fields})
    return renamed(json.loads((made or face()).answer(answer)))


def completion(message, *, finish_reason="stop", usage=UNKNOWN_COST, model=F_MODEL, **more):
    return {
        **HEAD,
        "object": "chat.completion",
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": None, **message}}
        ],
        "usage": usage,
        **more,
    }


MESSAGES = {
    "nothing": ([], {}),
    "text": ([Text("a")], {"content": "a"}),
    "empty text": ([Text("")], {"content": ""}),
    "texts": ([Text("a"), Text("b")], {"content": "ab"}),
    "tool calls": (
        [Text("a"), ToolCallOutput("1", "t", "{", None, None), ToolCallOutput("2", "u", "{}", "u", {})],
        {
            "content": "a",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{"}},
                {"id": "2", "type": "function", "function": {"name": "u", "arguments": "{}"}},
            ],
        },
    ),
    "extra content": (
        [Thought("hm", signature="s"), Text("a"), Unknown({"b": 1}, "m")],
        {
            "content": "a",
            "tensorzero_extra_content": [
                {"type": "thought", "text": "hm", "signature": "s", "insert_index": 0},
                {"type": "unknown", "data": {"b": 1}, "model_name": "m", "insert_index": 2},
            ],
        },
    ),
    "json": (JsonOutput("{}", {}), {"content": "{}"}),
    "json null": (JsonOutput(None, None), {"content": None}),
}


@pytest.mark.parametrize(("output", "message"), MESSAGES.values(), ids=MESSAGES)
def test_messages(output, message):
    assert answered(output=output) == completion(message)


@pytest.mark.parametrize(
    ("given", "shown"),
    [*FINISH_REASONS.items(), (None, "stop")],
)
def test_finish_reasons(given, shown):
    assert answered(finish_reason=given) == completion({}, finish_reason=shown)


def test_the_reasons_are_openais():
    assert FINISH_REASONS == {
        "stop": "stop",
        "stop_sequence": "stop",
        "unknown": "stop",
        "length": "length",
        "tool_call": "tool_calls",
        "content_filter": "content_filter",
    }


USAGES = {
    "unknown": (Usage(), UNKNOWN_COST),
    "input only": (Usage(3), {"prompt_tokens": 3, "tensorzero_cost": None}),
    "output only": (Usage(None, 4), {"completion_tokens": 4, "tensorzero_cost": None}),
    "all": (
        Usage(3, 4, 0, 2, 0.5),
        {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0},
            "tensorzero_provider_cache_write_input_tokens": 2,
            "tensorzero_cost": 0.5,
        },
    ),
}


@pytest.mark.parametrize(("usage", "wire"), USAGES.values(), ids=USAGES)
def test_usages(usage, wire):
    assert answered(usage=usage) == completion({}, usage=wire)


def test_raw_data():
    raw = {"raw_usage": [], "raw_response": [ENTRY], "original_response": "{}"}
    assert answered(**raw) == completion(
        {}, tensorzero_raw_usage=[], tensorzero_raw_response=[WIRE_ENTRY], tensorzero_original_response="{}"
    )


def test_a_model_is_shown_without_its_variant():
    made = face(model_name="openai::gpt")
    assert answered(made) == completion({}, model="tensorzero::model_name::openai::gpt")


def test_created_is_now():
    before = int(time.time())
    made = json.loads(face().answer(Answer(**IDS, output=[], usage=Usage())))["created"]
    assert before <= made <= time.time()


# -- chunks ------------------------------------------------------------------------------------------------------------


def chunk(delta, *, finish_reason=None, usage=None, **more):
    return {
        **HEAD,
        "object": "chat.completion.chunk",
        "model": F_MODEL,
        "choices": [{"index": 0, "finish_reason": finish_reason, "logprobs": None, "delta": delta}],
        "usage": usage,
        **more,
    }


def streamed(*chunks, include_usage=False):
    made = face(include_usage)
    made.start("I", "E", "v")
    return [renamed(json.loads(made.chunk(c))) for c in chunks]


def text(*texts):
    return AnswerChunk(content=[TextChunk("0", t) for t in texts])


END = AnswerChunk(final=True, usage=Usage(3, 4), finish_reason="stop")
WIRE_USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "tensorzero_cost": None}


def test_the_role_comes_first_and_the_finish_reason_last():
    assert streamed(text("a"), text("b", "c"), END) == [
        chunk({"role": "assistant", "content": "a"}),
        chunk({"content": "bc"}),
        chunk({}, finish_reason="stop"),
    ]


@pytest.mark.parametrize("said", ["b", "", '"content":""', "ü\n\u2028\x00", "x" * 10_000])
@pytest.mark.parametrize("variant", ["v", 'v"content":""', "ü"])
@pytest.mark.parametrize("is_json", [False, True])
def test_chunks_of_nothing_but_text_are_encoded_as_all_others(said, variant, is_json, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1.7e9)
    made, other = face(False), face(False)
    given = AnswerChunk(raw=said) if is_json else text(said)
    for one in (made, other):
        one.start("I", "E", variant)
        one.chunk(text("a"))
    assert made.chunk(given) == other._whole_chunk(given, other._delta(given))
    assert made._blocks == other._blocks


def test_the_usage_is_in_the_last_chunk_when_it_is_asked_for():
    assert streamed(text("a"), END, include_usage=True) == [
        chunk({"role": "assistant", "content": "a"}),
        chunk({}, finish_reason="stop", usage=WIRE_USAGE),
    ]


def test_a_stream_without_a_finish_reason_has_stopped():
    assert streamed(AnswerChunk(final=True), include_usage=True) == [
        chunk({"role": "assistant"}, finish_reason="stop", usage=UNKNOWN_COST)
    ]


def call(id_, index, name, arguments):
    return {"id": id_, "index": index, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_tool_calls_are_counted_and_named_once():
    given = [
        AnswerChunk(content=[ToolCallChunk("x", "t", "")]),
        AnswerChunk(content=[ToolCallChunk("x", "", "{"), ToolCallChunk("y", "u", "")]),
        AnswerChunk(content=[ToolCallChunk("x", "", "}"), ToolCallChunk("y", None, "1")]),
    ]
    assert streamed(*given) == [
        chunk({"role": "assistant", "tool_calls": [call("x", 0, "t", "")]}),
        chunk({"tool_calls": [call(None, 0, "", "{"), call("y", 1, "u", "")]}),
        chunk({"tool_calls": [call(None, 0, "", "}"), call(None, 1, "", "1")]}),
    ]


def test_extra_content_tells_where_its_block_began():
    thought = {"signature": None, "summary_id": None, "summary_text": None}
    given = [
        AnswerChunk(content=[ThoughtChunk("0", text="h")]),
        text("a"),
        AnswerChunk(content=[ThoughtChunk("0", text="m"), UnknownChunk("z", {"b": 1})]),
    ]
    assert streamed(*given) == [
        chunk(
            {
                "role": "assistant",
                "tensorzero_extra_content": [{"type": "thought", "id": "0", "text": "h", **thought, "insert_index": 0}],
            }
        ),
        chunk({"content": "a"}),
        chunk(
            {
                "tensorzero_extra_content": [
                    {"type": "thought", "id": "0", "text": "m", **thought, "insert_index": 0},
                    {"type": "unknown", "id": "z", "data": {"b": 1}, "insert_index": 2},
                ]
            }
        ),
    ]


def test_json_functions_always_have_content():
    assert streamed(AnswerChunk(raw="{"), AnswerChunk(raw="", final=True, finish_reason="length")) == [
        chunk({"role": "assistant", "content": "{"}),
        chunk({"content": ""}, finish_reason="length"),
    ]


def test_raw_data_of_chunks():
    given = AnswerChunk(raw_usage=[ENTRY], raw_response=[ENTRY], raw_chunk="c", original_chunk="c")
    assert streamed(given) == [
        chunk(
            {"role": "assistant"},
            tensorzero_raw_usage=[WIRE_ENTRY],
            tensorzero_raw_response=[WIRE_ENTRY],
            tensorzero_raw_chunk="c",
            tensorzero_original_chunk="c",
        )
    ]


# -- errors ------------------------------------------------------------------------------------------------------------

REFUSED = ProviderFailure("client", "no", "openai", upstream_status=400, raw_response="x")
TREE = AllModelProvidersFailed({"a": REFUSED})


@pytest.mark.parametrize(
    ("error", "include_raw", "expected"),
    [
        (InvalidRequest("no"), True, {"error": {"message": "no"}}),
        (TREE, False, {"error": {"message": TREE.text}}),
        (TREE, True, {"error": {"message": TREE.text}, "tensorzero_raw_response": [WIRE_ENTRY]}),
    ],
    ids=["plain", "raw not asked for", "raw"],
)
def test_error_bodies(error, include_raw, expected):
    assert json.loads(face().error(error, include_raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, {"error": {"message": "no"}}),
        ("x", {"error": {"message": "no"}, "tensorzero_raw_chunk": "x"}),
    ],
    ids=["plain", "raw"],
)
def test_error_events(raw, expected):
    assert json.loads(face().stream_error(InvalidRequest("no"), raw)) == expected
