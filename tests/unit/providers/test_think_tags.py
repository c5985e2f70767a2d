"""Thoughts inside `<think>` tags."""

import json
from typing import Any

import pytest

from t0.errors import InvalidMessage, ProviderFailure
from t0.providers.think_tags import ThinkTagError, ThinkTagSplitter, split_thought
from t0.types.content import ModelMessage, Text, TextChunk, Thought, ThoughtChunk
from unit.providers.vendors import VENDORS, chat_answer, event_stream

TAGS = {"reasoning_format": "think_tags"}
FIELD = {"reasoning_format": "reasoning_field"}
TOGETHER = next(v for v in VENDORS if v.type == "together")
FIREWORKS = next(v for v in VENDORS if v.type == "fireworks")


@pytest.mark.parametrize(
    ("text", "thought", "rest"),
    [
        ("plain", None, "plain"),
        ("<think>\nhm\n</think>\n\nanswer", "\nhm\n", "\n\nanswer"),
        ("a<think>x</think>b", "x", "ab"),
        ("<think></think>", "", ""),
        ("", None, ""),
    ],
)
def test_split(text: str, thought: str | None, rest: str) -> None:
    assert split_thought(text) == (thought, rest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<think>x</think><think>y</think>", "Multiple thinking blocks found"),
        ("<think>x", "Mismatched thinking tags"),
        ("x</think>", "Mismatched thinking tags"),
        ("</think>x<think>", "Mismatched thinking tags"),
    ],
)
def test_split_refuses(text: str, message: str) -> None:
    with pytest.raises(ThinkTagError, match=message):
        split_thought(text)


def thought(text: str) -> ThoughtChunk:
    return ThoughtChunk("1", text, provider_type="together", extra_data=TAGS)


@pytest.mark.parametrize(
    ("deltas", "chunks"),
    [
        (
            ["pre", "<think>", "in", "side", "</think>", "post"],
            [TextChunk("0", "pre"), thought("in"), thought("side"), TextChunk("2", "post")],
        ),
        (["a<think>b</think>c"], [TextChunk("0", "a"), thought("b"), TextChunk("2", "c")]),
        (["<think>a", "b</think>c"], [thought("a"), thought("b"), TextChunk("2", "c")]),
        ([""], [TextChunk("0", "")]),
    ],
    ids=["tags alone", "all in one delta", "text beside the tags", "empty delta"],
)
def test_streamed(deltas: list[str], chunks: list[Any]) -> None:
    splitter = ThinkTagSplitter("together")
    assert [c for d in deltas for c in splitter.feed(d)] == chunks


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        (["</think>"], "Found </think> while not thinking"),
        (["<think>", "<think>"], "Found <think> while already thinking"),
        (["<think>x</think>", "<think>"], "Found thinking tags after thinking finished"),
        (["<think>x</think>", "</think>"], "Found thinking tags after thinking finished"),
    ],
)
def test_streamed_tags_out_of_place(deltas: list[str], message: str) -> None:
    splitter = ThinkTagSplitter("together")
    *before, last = deltas
    for delta in before:
        splitter.feed(delta)
    with pytest.raises(ThinkTagError, match=message):
        splitter.feed(last)


def test_a_tag_out_of_place_is_one_failure_in_the_stream() -> None:
    provider = TOGETHER.provider()
    events = [{"choices": [{"delta": {"content": t}}]} for t in ("a", "</think>", "b")]
    items = provider.decoder(TOGETHER.call(stream=True)).feed(event_stream(events))
    assert [i.text if isinstance(i, ProviderFailure) else i.content for i in items] == [
        [TextChunk("0", "a")],
        "Error from together server: Found </think> while not thinking",
        [TextChunk("0", "b")],
    ]


@pytest.mark.parametrize(("vendor", "key"), [(TOGETHER, "reasoning"), (FIREWORKS, "reasoning_content")], ids=str)
def test_thoughts_go_back_the_way_they_came(vendor: Any, key: str) -> None:
    content = [
        Thought("tagged", provider_type=vendor.type, extra_data=TAGS),
        Thought("one", provider_type=vendor.type, extra_data=FIELD),
        Thought("two"),
        Text("a"),
    ]
    body = vendor.provider().body(vendor.call(messages=[ModelMessage("assistant", content)]))
    parts = [{"type": "text", "text": "<think>tagged</think>"}, {"type": "text", "text": "a"}]
    assert body["messages"] == [{"role": "assistant", "content": parts, key: "one\n\ntwo"}]


def test_a_thought_of_unknown_making_is_refused() -> None:
    content = [Thought("x", extra_data={"reasoning_format": "smoke"})]
    with pytest.raises(InvalidMessage) as error:
        TOGETHER.provider().body(TOGETHER.call(messages=[ModelMessage("assistant", content)]))
    assert error.value.text == "Unknown `reasoning_format` value in thought `extra_data`: `smoke`"


def test_an_answer_with_both_kinds_of_thoughts() -> None:
    body = json.dumps(chat_answer(text="<think>t</think>a", thought="f")).encode()
    assert FIREWORKS.provider().response(FIREWORKS.call(), {}, body).output == [
        Thought("f", provider_type="fireworks", extra_data=FIELD),
        Thought("t", provider_type="fireworks", extra_data=TAGS),
        Text("a"),
    ]
