"""Assembling the chunks of a stream."""

import pytest

from t0.models.collect import Collector
from t0.types.content import (
    SummaryText,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
    UnknownChunk,
)
from t0.types.model import Chunk, Usage


def collected(*chunks, function_type="chat"):
    collector = Collector(function_type)
    for chunk in chunks:
        collector.add(chunk)
    return collector


def blocks(*content, **options):
    return collected(*(Chunk(content=[c]) for c in content), **options).output()


BLOCKS = {
    "nothing": ([], []),
    "text": ([TextChunk("0", "Hel"), TextChunk("0", "lo")], [Text("Hello")]),
    "empty text": ([TextChunk("0", "")], [Text("")]),
    "texts": ([TextChunk("0", "a"), TextChunk("1", "b"), TextChunk("0", "c")], [Text("ac"), Text("b")]),
    "tool calls": (
        [
            ToolCallChunk("x", "t", ""),
            ToolCallChunk("y", "u", "{"),
            ToolCallChunk("x", None, "1"),
            ToolCallChunk("y", None, "}"),
        ],
        [ToolCall("x", "t", "1"), ToolCall("y", "u", "{}")],
    ),
    "a name in parts": ([ToolCallChunk("x", "get_", ""), ToolCallChunk("x", "it", "")], [ToolCall("x", "get_it", "")]),
    "thought": (
        [ThoughtChunk("0", text="h"), ThoughtChunk("0", text="m", signature="s"), ThoughtChunk("0", signature="t")],
        [Thought("hm", signature="st")],
    ),
    "thought without text": ([ThoughtChunk("0", signature="s")], [Thought(None, signature="s")]),
    "thought of a provider": (
        [ThoughtChunk("0", text="h", provider_type="xai", extra_data=[1]), ThoughtChunk("0", extra_data=None)],
        [Thought("h", provider_type="xai", extra_data=[1])],
    ),
    "summaries": (
        [
            ThoughtChunk("0", summary_id="1", summary_text="b"),
            ThoughtChunk("0", summary_id="0", summary_text="a"),
            ThoughtChunk("0", summary_id="1", summary_text="c"),
        ],
        [Thought(None, summary=[SummaryText("bc"), SummaryText("a")])],
    ),
    "unknown": ([UnknownChunk("0", 1), UnknownChunk("1", 2, "m", "p")], [Unknown(1), Unknown(2, "m", "p")]),
    "one id, several kinds": (
        [TextChunk("0", "a"), ThoughtChunk("0", text="b"), ToolCallChunk("0", "t", "")],
        [Text("a"), Thought("b"), ToolCall("0", "t", "")],
    ),
}


@pytest.mark.parametrize(("content", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_blocks(content, expected):
    assert blocks(*content) == expected


def test_json_functions_have_one_text():
    texts = [TextChunk("0", "a"), ThoughtChunk("0", text="hm"), TextChunk("1", "b")]
    assert blocks(*texts, function_type="json") == [Text("ab"), Thought("hm")]


USAGES = {
    "none": ([None, None], Usage()),
    "one": ([None, Usage(1, 2, 3, 4)], Usage(1, 2, 3, 4)),
    "the largest, field by field": ([Usage(5, 1), Usage(2, 7, 0), Usage(None, 3)], Usage(5, 7, 0)),
    "zero is more than unknown": ([Usage(0), Usage(None, 0)], Usage(0, 0)),
}


@pytest.mark.parametrize(("usages", "expected"), USAGES.values(), ids=USAGES)
def test_usages(usages, expected):
    assert collected(*(Chunk(content=[], usage=u) for u in usages)).usage == expected


def test_what_else_is_kept():
    found = collected(
        Chunk(content=[], raw="a", finish_reason="length"),
        Chunk(content=[], raw="b", raw_usage={"n": 1}),
        Chunk(content=[], raw="c", finish_reason="stop", raw_usage={"n": 2}),
        Chunk(content=[], raw="d"),
    )
    assert (found.raw, found.raw_usage, found.finish_reason) == (["a", "b", "c", "d"], [{"n": 1}, {"n": 2}], "stop")


def test_no_finish_reason():
    assert collected(Chunk(content=[])).finish_reason is None
