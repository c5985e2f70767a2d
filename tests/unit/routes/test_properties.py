"""Whatever a body holds, it gives a request or an answer of the 400s, on every route that takes one."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit import FakeReader, make, run
from t0.errors import RequestError
from t0.feedback.give import FeedbackRequest, give_feedback
from t0.routes import embeddings, feedback, native, openai_wire
from t0.routes.decode import decode
from t0.storage.reader import Target
from unit.routes.test_blocks import BLOCKS
from unit.routes.test_native import ALL_FIELDS
from unit.routes.test_openai_messages import PARTS

EPISODE = "01950000-0000-7000-8000-00000000abcd"
OPENAI = {
    "model": "tensorzero::function_name::f",
    "messages": [
        {"role": "system", "content": "a"},
        {"role": "user", "content": [part for part, _ in PARTS.values()]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
            "tensorzero_extra_content": [{"type": "thought", "text": "a", "insert_index": 0}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "a"},
    ],
    "stream_options": {"include_usage": True},
    "stop": ["a"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "tools": [
        {"type": "function", "function": {"name": "t", "description": "d", "parameters": {}, "strict": True}},
        {
            "type": "custom",
            "custom": {
                "name": "c",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}},
            },
        },
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "t"}}]},
    },
    "n": 1,
    "tensorzero::deny_unknown_fields": True,
    "tensorzero::params": {"chat_completion": {"seed": 1}},
    "tensorzero::episode_id": EPISODE,
    "tensorzero::cache_options": {"enabled": "on", "max_age_s": 1},
    "tensorzero::extra_body": [{"pointer": "/a", "value": 1, "model_name": "m", "provider_name": "p"}],
    "tensorzero::extra_headers": [{"name": "a", "value": "b", "variant_name": "v"}],
    "tensorzero::tags": {"a": "b"},
    "tensorzero::provider_tools": [{"tool": 1, "scope": {"model_name": "m", "model_provider_name": "p"}}],
}
NATIVE = {
    **ALL_FIELDS,
    "input": {
        "system": {"a": 1},
        "messages": [{"role": "user", "content": [block for block, _ in BLOCKS.values()]}],
    },
}
FEEDBACK = {"metric_name": "m", "value": 1, "inference_id": EPISODE, "tags": {"a": "b"}, "dryrun": True}
EMBEDDINGS = {"model": "m", "input": [[1]], "dimensions": 1, "tensorzero::cache_options": {"enabled": "on"}}


def parse_feedback(body):
    return decode(body, feedback._decoder)


ROUTES = {
    "inference": (native.parse, NATIVE),
    "chat completions": (openai_wire.parse, OPENAI),
    "embeddings": (embeddings.parse, EMBEDDINGS),
    "feedback": (parse_feedback, FEEDBACK),
}


def holds(parse, body):
    """Parses it; any error other than the caller's fault comes through."""
    error = None
    try:
        parse(body)
    except RequestError as e:
        error = e
    assert error is None or (400 <= error.status < 500 and error.text)


# Names that mean something, so that the values lead somewhere.
WORDS = ["type", "text", "arguments", "name", "function", "tool_call", "file", "data", "thought", "tensorzero::x", "a"]
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**31, 2**32, 2**63, 2**64, 10**400])
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.sampled_from(WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """The paths of all values within a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize(("parse", "valid"), ROUTES.values(), ids=ROUTES)
def test_the_bodies_that_are_changed_below_are_valid(parse, valid):
    parse(json.dumps(valid).encode())


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_at_any_place(route, data):
    parse, valid = ROUTES[route]
    path = data.draw(st.sampled_from(list(places(valid))))
    holds(parse, json.dumps(replaced(valid, path, data.draw(VALUES))).encode())


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=50, deadline=None)
@given(value=VALUES)
def test_any_value_as_the_body(route, value):
    holds(ROUTES[route][0], json.dumps(value).encode())


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes(route, body):
    holds(ROUTES[route][0], body)


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=75, deadline=None)
@given(data=st.data())
def test_any_bytes_within_a_body(route, data):
    parse, valid = ROUTES[route]
    body = json.dumps(valid).encode()
    at = data.draw(st.integers(0, len(body)))
    cut = data.draw(st.integers(0, 4))
    holds(parse, body[:at] + data.draw(st.binary(max_size=4)) + body[at + cut :])


# -- feedback ----------------------------------------------------------------------------------------------------------

METRICS = """
[models.m]
routing = ["p"]
providers.p = { type = "dummy", model_name = "good" }
[functions.f]
type = "chat"
tools = ["t"]
variants.v = { type = "chat_completion", model = "m" }
[functions.j]
type = "json"
variants.v = { type = "chat_completion", model = "m", json_mode = "on" }
[tools.t]
description = "d"
parameters = "any.json"
[metrics.yes]
type = "boolean"
optimize = "max"
level = "inference"
[metrics.much]
type = "float"
optimize = "max"
level = "inference"
"""
ROW = {
    "output_schema": '{"type":"object"}',
    "tool_params": "",
    "dynamic_tools": [],
    "allowed_tools": '{"tools":["t"],"mode":"function_default"}',
    "tool_choice": None,
    "parallel_tool_calls": None,
}
DEMONSTRATED = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_call", "x"])},
    optional={
        "text": LEAVES,
        "id": st.sampled_from(["1", None]),
        "name": st.sampled_from(["t", "u", 1]),
        "arguments": VALUES,
    },
)


@settings(max_examples=150, deadline=None)
@given(
    metric=st.sampled_from(["yes", "much", "comment", "demonstration", "other"]),
    value=VALUES | st.lists(DEMONSTRATED, max_size=2),
    function=st.sampled_from(["f", "j"]),
)
@example(metric="much", value=10**400, function="f")
def test_any_feedback(feedback_kit, metric, value, function):
    body = json.dumps({"metric_name": metric, "value": value, "inference_id": EPISODE}).encode()
    feedback_kit.reader.targets[EPISODE] = Target(function, "json" if function == "j" else "chat", "v", EPISODE)

    async def give(body):
        wire = parse_feedback(body)
        request = FeedbackRequest(metric_name=wire.metric_name, value=wire.value, inference_id=wire.inference_id)
        await give_feedback(feedback_kit.gateway, request)

    holds(lambda b: run(give(b)), body)


@pytest.fixture(scope="module")
def feedback_kit(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("feedback")
    reader = FakeReader({EPISODE: Target("f", "chat", "v", EPISODE)}, {EPISODE: ROW})
    return make(folder, METRICS, files={"any.json": "{}"}, reader=reader)
