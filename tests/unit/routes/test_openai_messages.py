"""OpenAI messages and content parts."""

import base64

import msgspec
import pytest

from t0.errors import InvalidOpenAIRequest, JsonRequest, RequestError
from t0.routes.openai_messages import OpenAIMessage, parse_messages
from t0.types.content import (
    File,
    Input,
    InputMessage,
    RawText,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)

PREFIX = "Invalid request to OpenAI-compatible endpoint: "


def parse(*messages):
    return parse_messages(msgspec.convert(messages, list[OpenAIMessage]))


def refusal(*messages):
    with pytest.raises(RequestError) as caught:
        parse(*messages)
    assert isinstance(caught.value, (InvalidOpenAIRequest, JsonRequest))
    return caught.value.text


def user(content):
    return {"role": "user", "content": content}


def system(content):
    return {"role": "system", "content": content}


def text(value):
    return {"type": "text", "text": value}


TEMPLATE = {"type": "tensorzero::template", "name": "system", "arguments": {"a": 1}}

# -- system ------------------------------------------------------------------------------------------------------------

SYSTEMS = {
    "none": ([], None),
    "one": ([system("a")], "a"),
    "empty text": ([system("")], ""),
    "empty list": ([system([])], None),
    "developer": ([{"role": "developer", "content": "a"}], "a"),
    "several": ([system("a"), {"role": "developer", "content": [text("b"), text("c")]}], "a\nb\nc"),
    "raw text": ([system([{"type": "tensorzero::raw_text", "value": "{{ a }}"}])], "{{ a }}"),
    "template": ([system([TEMPLATE])], {"a": 1}),
    "arguments": ([system([{"type": "text", "tensorzero::arguments": {"a": 1}}])], {"a": 1}),
    "bare arguments": ([system([{"a": 1}])], {"a": 1}),
}


@pytest.mark.parametrize(("messages", "expected"), SYSTEMS.values(), ids=SYSTEMS)
def test_system(messages, expected):
    assert parse(*messages) == Input(system=expected, messages=[])


def test_system_messages_count_wherever_they_stand():
    assert parse(system("a"), user("b"), system("c")) == Input(
        system="a\nc", messages=[InputMessage("user", [Text("b")])]
    )


SHAPE = (
    f"{PREFIX}message content must either be a string or an array of length 1 containing structured TensorZero inputs"
)
SYSTEMS_REFUSED = {
    "no content": ([{"role": "system"}], "messages[0]: missing field `content`"),
    "null": ([system(None)], SHAPE),
    "an object": ([system({"a": 1})], SHAPE),
    "template after text": (
        [system("a"), system([TEMPLATE])],
        f"{PREFIX}System message cannot contain template with other content",
    ),
    "two templates": (
        [system([TEMPLATE, TEMPLATE])],
        f"{PREFIX}System message cannot contain template with other content",
    ),
    "text after template": (
        [system([TEMPLATE]), system("a")],
        f"{PREFIX}Cannot add text after template system message",
    ),
    "image": (
        [system([{"type": "image_url", "image_url": {"url": "https://a.test"}}])],
        f"{PREFIX}System message must contain only text or template content blocks",
    ),
}


@pytest.mark.parametrize(("messages", "expected"), SYSTEMS_REFUSED.values(), ids=SYSTEMS_REFUSED)
def test_refused_system(messages, expected):
    assert refusal(*messages) == expected


# -- conversations -----------------------------------------------------------------------------------------------------

CALL = {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
CALL_2 = {"id": "2", "type": "anything", "function": {"name": "u", "arguments": "x"}}


def tool(id_, **fields):
    return {"role": "tool", "tool_call_id": id_, **fields}


def test_a_conversation_with_tools():
    given = [
        user("q"),
        {"role": "assistant", "content": "a", "tool_calls": [CALL, CALL_2], "refusal": None},
        tool("1", content="res"),
        tool("2", content=[{"type": "text", "text": "res"}]),
        user("thanks"),
        tool("1"),
        {"role": "assistant", "content": None},
        {"role": "assistant"},
        tool("2", content=None),
    ]
    assert parse(*given) == Input(
        messages=[
            InputMessage("user", [Text("q")]),
            InputMessage("assistant", [Text("a"), ToolCall("1", "t", "{}"), ToolCall("2", "u", "x")]),
            InputMessage(
                "user",
                [ToolResult("t", '"res"', "1"), ToolResult("u", '[{"type":"text","text":"res"}]', "2")],
            ),
            InputMessage("user", [Text("thanks")]),
            InputMessage("user", [ToolResult("t", "null", "1")]),
            InputMessage("assistant", []),
            InputMessage("assistant", []),
            InputMessage("user", [ToolResult("u", "null", "2")]),
        ]
    )


CONVERSATIONS_REFUSED = {
    "user without content": ([{"role": "user"}], "messages[0]: missing field `content`"),
    "user null": ([user(None)], SHAPE),
    "user a number": ([user(5)], SHAPE),
    "user an object": ([user({"a": 1})], SHAPE),
    "assistant an object": ([{"role": "assistant", "content": {"a": 1}}], SHAPE),
    "tool without id": ([user("a"), {"role": "tool", "content": "r"}], "messages[1]: missing field `tool_call_id`"),
    "unknown call": ([tool("1", content="r")], f"{PREFIX}tool call id not found"),
    "later call": (
        [tool("1", content="r"), {"role": "assistant", "tool_calls": [CALL]}],
        f"{PREFIX}tool call id not found",
    ),
}


@pytest.mark.parametrize(("messages", "expected"), CONVERSATIONS_REFUSED.values(), ids=CONVERSATIONS_REFUSED)
def test_refused_conversations(messages, expected):
    assert refusal(*messages) == expected


# -- extra content -----------------------------------------------------------------------------------------------------


def thought(text_, at=None):
    return {"type": "thought", "text": text_, **({} if at is None else {"insert_index": at})}


EXTRA = {
    "front": ([thought("x"), thought("y")], [Thought("x"), Thought("y"), Text("a"), Text("b")]),
    "at an index": ([thought("x", 1)], [Text("a"), Thought("x"), Text("b")]),
    "ascending": ([thought("y", 2), thought("x", 0)], [Thought("x"), Text("a"), Thought("y"), Text("b")]),
    "beyond the end": ([thought("x", 99)], [Text("a"), Text("b"), Thought("x")]),
    "far beyond the end": ([thought("x", 2**63)], [Text("a"), Text("b"), Thought("x")]),
    "both": ([thought("y", 0), thought("x")], [Thought("x"), Thought("y"), Text("a"), Text("b")]),
    "unknown": ([{"type": "unknown", "data": 1, "insert_index": None}], [Unknown(1), Text("a"), Text("b")]),
}


@pytest.mark.parametrize(("extra", "expected"), EXTRA.values(), ids=EXTRA)
def test_extra_content(extra, expected):
    given = {"role": "assistant", "content": [text("a"), text("b")], "tensorzero_extra_content": extra}
    assert parse(given) == Input(messages=[InputMessage("assistant", expected)])


EXTRA_REFUSED = {
    "text": (text("a"), "tensorzero_extra_content[0]: unknown variant `text`, expected `thought` or `unknown`"),
    "no type": ({}, "tensorzero_extra_content[0]: unknown variant `None`, expected `thought` or `unknown`"),
    "negative": (
        thought("x", -1),
        "tensorzero_extra_content[0].insert_index: invalid value: expected a non-negative integer",
    ),
    "a string": (
        thought("x", "0"),
        "tensorzero_extra_content[0].insert_index: invalid value: expected a non-negative integer",
    ),
    "a boolean": (
        thought("x", True),
        "tensorzero_extra_content[0].insert_index: invalid value: expected a non-negative integer",
    ),
    "bad thought": (thought(1), "tensorzero_extra_content[0].text: invalid type: integer `1`, expected a string"),
}


@pytest.mark.parametrize(("entry", "expected"), EXTRA_REFUSED.values(), ids=EXTRA_REFUSED)
def test_refused_extra_content(entry, expected):
    assert refusal({"role": "assistant", "tensorzero_extra_content": [entry]}) == expected


# -- parts -------------------------------------------------------------------------------------------------------------

MP3 = base64.b64encode(b"ID3\x04 and so on").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


def image(url, **fields):
    return {"type": "image_url", "image_url": {"url": url, **fields}}


def audio(data):
    return {"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}


PARTS = {
    "text": (text("a"), Text("a")),
    "text with cache_control": ({**text("a"), "cache_control": {}}, Text("a")),
    "arguments": ({"type": "text", "tensorzero::arguments": {"a": 1}}, Template("user", {"a": 1})),
    "bare arguments": ({"a": 1}, Template("user", {"a": 1})),
    "raw text": ({"type": "tensorzero::raw_text", "value": "a"}, RawText("a")),
    "template": ({"type": "tensorzero::template", "name": "t", "arguments": {}}, Template("t", {})),
    "image": (image("https://a.test/b"), File(url="https://a.test/b")),
    "image with options": (
        image("https://a.test/b", detail="high", **{"tensorzero::mime_type": "image/png"}),
        File(url="https://a.test/b", detail="high", mime_type="image/png"),
    ),
    "image data": (
        image("data:image/png;base64,AAAA", detail="low"),
        File(data="AAAA", mime_type="image/png", detail="low"),
    ),
    "file": (
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,not checked!", "filename": "a.pdf"}},
        File(data="not checked!", mime_type="application/pdf", filename="a.pdf"),
    ),
    "file without a name": (
        {"type": "file", "file": {"file_data": "data:text/plain;base64,", "filename": None}},
        File(data="", mime_type="text/plain"),
    ),
    "audio": (audio(MP3), File(data=MP3, mime_type="audio/mpeg")),
}


@pytest.mark.parametrize(("part", "expected"), PARTS.values(), ids=PARTS)
def test_parts(part, expected):
    assert parse(user([part])) == Input(messages=[InputMessage("user", [expected])])


DATA_URL = "file data must be a base64-encoded data URL: `data:<mime_type>;base64,<data>`"

PARTS_REFUSED = {
    "a number": (5, "Invalid content block: 5"),
    "a string": ("a", 'Invalid content block: "a"'),
    "unknown": ({"type": "refusal", "refusal": "no"}, "Invalid content block: unknown variant `refusal`"),
    "type a list": ({"type": []}, "Invalid content block: unknown variant `[]`"),
    "type null": ({"type": None}, "Invalid content block: unknown variant `None`"),
    "unknown tensorzero": (
        {"type": "tensorzero::zz"},
        "Invalid TensorZero content block: unknown variant `tensorzero::zz`",
    ),
    "tensorzero key alone": (
        {"tensorzero::arguments": {}},
        "Invalid TensorZero content block: missing field `type`",
    ),
    "text alone": (
        {"type": "text"},
        "Invalid content block: expected exactly one of `text` and `tensorzero::arguments`",
    ),
    "text and arguments": (
        {"type": "text", "text": "a", "tensorzero::arguments": {}},
        "Invalid TensorZero content block: expected exactly one of `text` and `tensorzero::arguments`",
    ),
    "text a number": (text(1), "Invalid content block: `text` must be a string"),
    "arguments a string": (
        {"type": "text", "tensorzero::arguments": "a"},
        "Invalid TensorZero content block: `tensorzero::arguments` must be an object",
    ),
    "no image": ({"type": "image_url"}, "Invalid content block: missing field `image_url`"),
    "image a string": ({"type": "image_url", "image_url": "a"}, "Invalid content block: `image_url` must be an object"),
    "no url": ({"type": "image_url", "image_url": {}}, "Invalid content block: missing field `url`"),
    "relative url": (image("a"), 'Invalid content block: relative URL without a base: "a"'),
    "image key": (
        image("https://a.test", zz=1),
        "Invalid content block: zz: unknown field `zz`, expected one of `url`, `detail`, `tensorzero::mime_type`",
    ),
    "key beside image": (
        {**image("https://a.test"), "cache_control": {}},
        "Invalid content block: cache_control: unknown field `cache_control`, expected `image_url`",
    ),
    "detail": (
        image("https://a.test", detail="zz"),
        "Invalid content block: detail: unknown variant `zz`, expected one of `low`, `high`, `auto`",
    ),
    "mime_type": (
        image("https://a.test", **{"tensorzero::mime_type": 1}),
        "Invalid content block: `tensorzero::mime_type` must be a string",
    ),
    "image not base64": (image("data:image/png,AAAA"), DATA_URL),
    "no file": ({"type": "file"}, "Invalid content block: missing field `file`"),
    "no file data": ({"type": "file", "file": {}}, "Invalid content block: missing field `file_data`"),
    "file id": (
        {"type": "file", "file": {"file_id": "f"}},
        "Invalid content block: `file_id` is not supported, expected `file_data`",
    ),
    "file data": ({"type": "file", "file": {"file_data": "AAAA"}}, DATA_URL),
    "filename": (
        {"type": "file", "file": {"file_data": "data:a/b;base64,", "filename": 1}},
        "Invalid content block: `filename` must be a string",
    ),
    "audio without format": (
        {"type": "input_audio", "input_audio": {"data": MP3}},
        "Invalid content block: missing field `format`",
    ),
    "audio is an image": (
        audio(PNG),
        "Expected audio file for input_audio, but detected image/png (type: Image)",
    ),
    "audio unknown": (audio("AAAA"), "Could not detect audio format from file content. Format field was: mp3"),
    "audio not base64": (audio("AAA"), "Invalid base64 in input_audio data: Incorrect padding"),
    "audio not ASCII": (
        audio("é"),
        "Invalid base64 in input_audio data: string argument should contain only ASCII characters",
    ),
    "raw text": ({"type": "tensorzero::raw_text"}, "Invalid TensorZero content block: missing field `value`"),
    "raw text key": (
        {"type": "tensorzero::raw_text", "value": "a", "zz": 1},
        "Invalid TensorZero content block: zz: unknown field `zz`, expected one of `type`, `value`",
    ),
    "template": (
        {"type": "tensorzero::template", "name": "t"},
        "Invalid TensorZero content block: missing field `arguments`",
    ),
    "template arguments": (
        {"type": "tensorzero::template", "name": "t", "arguments": "a"},
        "Invalid TensorZero content block: `arguments` must be an object",
    ),
    "template name": (
        {"type": "tensorzero::template", "arguments": {}},
        "Invalid TensorZero content block: missing field `name`",
    ),
}


@pytest.mark.parametrize(("part", "expected"), PARTS_REFUSED.values(), ids=PARTS_REFUSED)
def test_refused_parts(part, expected):
    assert refusal(user([part])) == PREFIX + expected
