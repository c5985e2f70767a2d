"""Whatever a provider answers, the only error is `ProviderFailure`."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t0.errors import ExtraBodyReplacement, ProviderFailure
from t0.providers.cost import CostRules
from t0.providers.extra import apply_body
from t0.providers.think_tags import ThinkTagError, ThinkTagSplitter, split_thought
from t0.types.content import TextChunk
from t0.types.extra import ExtraBody
from t0.types.model import Chunk, ModelResponse
from unit.providers.vendors import VENDORS, Vendor, event_stream

every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=str)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEY_NAMES = """
    choices message content delta type text tool_calls id function name arguments usage prompt_tokens input_tokens index
    output thinking reasoning_details error response finish_reason stop_reason content_block partial_json item summary
    input data signature candidates content parts thought thoughtSignature functionCall args finishReason usageMetadata
    promptTokenCount promptFeedback blockReason
"""
WORD_NAMES = """
    text tool_use thinking message function_call reasoning content_block_start message_delta content_block_delta
    text_delta input_json_delta response.completed response.output_item.added reasoning.text reasoning.encrypted
    <think> </think> stop
"""
KEYS = st.sampled_from(KEY_NAMES.split())
WORDS = st.sampled_from(WORD_NAMES.split())
SCALARS = st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats(allow_nan=False) | WORDS | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=4), max_leaves=12)


def mutated(value: Any, path: list[int], replacement: Any) -> Any:
    """`value` with what the path leads to replaced."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return replacement
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = mutated(value[key], path[1:], replacement)
    return copy


def respond(vendor: Vendor, body: bytes) -> None:
    result: Any
    try:
        result = vendor.provider().response(vendor.call(), {}, body)
    except ProviderFailure as failure:
        result = failure
    assert isinstance(result, (ModelResponse, ProviderFailure))


def stream(vendor: Vendor, data: bytes) -> None:
    decoder = vendor.provider().decoder(vendor.call(stream=True))
    for item in [*decoder.feed(data), *decoder.end()]:
        assert isinstance(item, (Chunk, ProviderFailure))


@every_vendor
@given(body=st.binary(max_size=200))
@quick
def test_any_bytes_as_answer(vendor: Vendor, body: bytes) -> None:
    respond(vendor, body)


@every_vendor
@given(value=VALUES)
@quick
def test_any_json_as_answer(vendor: Vendor, value: Any) -> None:
    respond(vendor, json.dumps(value).encode())


@every_vendor
@given(path=st.lists(st.integers(0, 10), min_size=1, max_size=6), replacement=VALUES)
@quick
def test_almost_right_answers(vendor: Vendor, path: list[int], replacement: Any) -> None:
    whole = vendor.wire.complete(text="Hello", thought="hm", calls=(("c1", "weather", "{}"),))
    respond(vendor, json.dumps(mutated(whole, path, replacement)).encode())


@every_vendor
@given(data=st.binary(max_size=200), head=st.sampled_from([b"", b"data: ", b"data:\n"]))
@quick
def test_any_bytes_as_stream(vendor: Vendor, data: bytes, head: bytes) -> None:
    stream(vendor, head + data)


@every_vendor
@given(at=st.integers(0, 10), path=st.lists(st.integers(0, 10), max_size=6), replacement=VALUES)
@quick
def test_almost_right_streams(vendor: Vendor, at: int, path: list[int], replacement: Any) -> None:
    events = vendor.wire.stream(text="Hello", thought="hm", calls=(("c1", "weather", "{}"),))
    at %= len(events)
    events[at] = mutated(events[at], path, replacement) if path else replacement
    stream(vendor, event_stream(events))


@pytest.mark.parametrize("vendor", VENDORS, ids=str)
def test_json_nested_too_deep(vendor: Vendor) -> None:
    deep = b'{"usage": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    respond(vendor, deep)
    stream(vendor, b"data: " + deep + b"\n\n")


# -- think tags --------------------------------------------------------------------------------------------------------

PIECES = st.lists(st.sampled_from(["<think>", "</think>", "a", "b ", "\n", "<", "think>"]), max_size=8)


@given(pieces=PIECES)
def test_split_text_is_whole_again(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        thought, rest = split_thought(text)
    except ThinkTagError:
        assert "<think>" in text or "</think>" in text
    else:
        assert len(text) == len(rest) + (0 if thought is None else len(thought) + len("<think></think>"))


@given(before=st.text("ab\n", max_size=4), thought=st.text("xy", max_size=4), after=st.text("cd", max_size=4))
def test_streamed_tags_split_as_the_whole_does(before: str, thought: str, after: str) -> None:
    splitter = ThinkTagSplitter("together")
    chunks = splitter.feed(f"{before}<think>{thought}</think>{after}")
    texts = "".join(c.text for c in chunks if isinstance(c, TextChunk))
    thoughts = "".join(c.text or "" for c in chunks if not isinstance(c, TextChunk))
    assert (thoughts or None, texts) == (thought or None, before + after)


# -- late changes and prices -------------------------------------------------------------------------------------------


@given(body=st.dictionaries(KEYS, VALUES, max_size=4), pointer=st.text("/a0-~1choices", max_size=12), value=VALUES)
def test_pointers_change_or_refuse_and_leave_shared_values_alone(
    body: dict[str, Any], pointer: str, value: Any
) -> None:
    before = json.dumps(body)
    top = dict(body)
    with contextlib.suppress(ExtraBodyReplacement):
        apply_body(top, [ExtraBody(pointer, value), ExtraBody(pointer, delete=True)])
    assert json.dumps(body) == before


@given(raw=st.text(max_size=40) | VALUES.map(json.dumps), pointer=st.text("/a01choices", max_size=8).map("/".__add__))
def test_any_raw_response_has_a_price_or_none(raw: str, pointer: str) -> None:
    rules = CostRules.parse([{"pointer": pointer, "cost_per_million": 1.5}], "cost")
    for cost in (rules.complete(raw), rules.stream([raw, raw])):
        assert cost is None or cost >= 0
