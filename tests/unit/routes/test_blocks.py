"""Content blocks of the native API."""

import base64

import pytest

from t0.errors import JsonRequest
from t0.mime import detect_mime_type
from t0.routes.blocks import parse_block, parse_content
from t0.types.content import (
    File,
    RawText,
    StoragePath,
    SummaryText,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)

WHERE = {"kind": {"type": "disabled"}, "path": "a/b.png"}
PLACE = StoragePath({"type": "disabled"}, "a/b.png")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
A_CALL = {"type": "tool_call", "id": "1"}
POINTER = {"type": "file", "storage_path": WHERE, "mime_type": "image/png"}

BLOCKS = {
    "text": ({"type": "text", "text": "a"}, Text("a")),
    "text empty": ({"type": "text", "text": ""}, Text("")),
    "text arguments": ({"type": "text", "arguments": {"a": 1}}, Template("user", {"a": 1})),
    "template": ({"type": "template", "name": "t", "arguments": {}}, Template("t", {})),
    "raw_text": ({"type": "raw_text", "value": "{{ a }}"}, RawText("{{ a }}")),
    "tool_call": ({**A_CALL, "name": "t", "arguments": "{ }"}, ToolCall("1", "t", "{ }")),
    "tool_call object": (
        {**A_CALL, "name": "t", "arguments": {"b": 1, "a": "ä"}},
        ToolCall("1", "t", '{"b":1,"a":"ä"}'),
    ),
    "tool_call raw": ({**A_CALL, "raw_name": "t", "raw_arguments": "{"}, ToolCall("1", "t", "{")),
    "tool_call as answered": (
        {**A_CALL, "raw_name": "r", "raw_arguments": "{ }", "name": "t", "arguments": {}},
        ToolCall("1", "t", "{}"),
    ),
    "tool_call judged invalid": (
        {**A_CALL, "raw_name": "r", "raw_arguments": "{", "name": None, "arguments": None},
        ToolCall("1", "r", "{"),
    ),
    "tool_call with other keys": ({**A_CALL, "name": "t", "arguments": "", "zz": 1}, ToolCall("1", "t", "")),
    "tool_result": ({"type": "tool_result", "id": "1", "name": "t", "result": "r"}, ToolResult("t", "r", "1")),
    "thought empty": ({"type": "thought"}, Thought(None)),
    "thought": (
        {
            "type": "thought",
            "text": "hm",
            "signature": "s",
            "summary": [{"type": "summary_text", "text": "short"}],
            "provider_type": "anthropic",
            "extra_data": [1],
            "zz": 1,
        },
        Thought("hm", "s", [SummaryText("short")], "anthropic", [1]),
    ),
    "thought with the older key": (
        {"type": "thought", "_internal_provider_type": "xai"},
        Thought(None, provider_type="xai"),
    ),
    "unknown": ({"type": "unknown", "data": None}, Unknown(None)),
    "unknown of a provider": (
        {"type": "unknown", "data": 1, "model_name": "m", "provider_name": "p"},
        Unknown(1, "m", "p"),
    ),
    "unknown with the older key": (
        {
            "type": "unknown",
            "data": 1,
            "model_provider_name": "tensorzero::model_name::a::provider_name::b::provider_name::p",
        },
        Unknown(1, "a::provider_name::b", "p"),
    ),
    "url": (
        {"type": "file", "file_type": "url", "url": "https://a.test/b", "mime_type": "image/png", "detail": "low"},
        File(url="https://a.test/b", mime_type="image/png", detail="low"),
    ),
    "image": ({"type": "image", "url": "https://a.test/b", "zz": 1}, File(url="https://a.test/b")),
    "url as the client sends it": (
        {"type": "file", "file_type": "url", "url": "https://a.test/b", "mime_type": None},
        File(url="https://a.test/b"),
    ),
    "base64": (
        {"type": "file", "file_type": "base64", "data": "not checked!", "mime_type": "a/b", "filename": "f"},
        File(data="not checked!", mime_type="a/b", filename="f"),
    ),
    "base64 detected": ({"type": "file", "data": PNG, "source_url": None}, File(data=PNG, mime_type="image/png")),
    "base64 by its keys": (
        {"type": "file", "file_type": "url", "data": PNG, "mime_type": "a/b"},
        File(data=PNG, mime_type="a/b"),
    ),
    "pointer": (
        {**POINTER, "file_type": "object_storage_pointer", "source_url": "https://a.test"},
        File(url="https://a.test", mime_type="image/png", storage_path=PLACE),
    ),
    "pointer by its keys": ({**POINTER, "source_url": None}, File(mime_type="image/png", storage_path=PLACE)),
    "stored with data": (
        {**POINTER, "file_type": "object_storage", "data": PNG},
        File(mime_type="image/png", data=PNG, storage_path=PLACE),
    ),
    "pointer ignores data": (
        {**POINTER, "file_type": "object_storage_pointer", "data": PNG},
        File(mime_type="image/png", storage_path=PLACE),
    ),
    "stored with an error": (
        {**POINTER, "file_type": "object_storage_error", "error": "gone"},
        File(mime_type="image/png", storage_path=PLACE),
    ),
}


@pytest.mark.parametrize(("block", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_blocks(block, expected):
    assert parse_block(block, "user", "x") == expected


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_contents(role):
    assert parse_content("a", role, "x") == [Text("a")]
    assert parse_content({"a": 1}, role, "x") == [Template(role, {"a": 1})]
    assert parse_content([], role, "x") == []
    both = [{"type": "text", "arguments": {}}, {"type": "raw_text", "value": "b"}]
    assert parse_content(both, role, "x") == [Template(role, {}), RawText("b")]


KINDS = "`text`, `template`, `raw_text`, `tool_call`, `tool_result`, `thought`, `file`, `image`, `unknown`"
NEEDS = "x: a tool call needs `id`, `name` and `arguments`, or `id`, `raw_name` and `raw_arguments`"
RESULT = {"type": "tool_result", "id": "1", "name": "t", "result": "r"}

REFUSED = {
    "a string": ("a", "x: invalid type: expected a map with the key `type`"),
    "no type": ({"text": "a"}, "x: missing field `type`"),
    "type null": ({"type": None}, "x: missing field `type`"),
    "type unknown": ({"type": "zz"}, f"x: unknown variant `zz`, expected one of {KINDS}"),
    "type a list": ({"type": ["text"]}, f"x: unknown variant `['text']`, expected one of {KINDS}"),
    "text alone": ({"type": "text"}, "x: Expected exactly one other key in text content, found 0 other keys"),
    "text and arguments": (
        {"type": "text", "text": "a", "arguments": {}},
        "x: Expected exactly one other key in text content, found 2 other keys",
    ),
    "text with another key": (
        {"type": "text", "value": "a"},
        "x: Unknown key `value` in text content, expected `text` or `arguments`",
    ),
    "text a number": ({"type": "text", "text": 1}, "x.text: invalid type: integer `1`, expected a string"),
    "text arguments": ({"type": "text", "arguments": "a"}, 'x.arguments: invalid type: string "a", expected a map'),
    "template without a name": ({"type": "template", "arguments": {}}, "x: missing field `name`"),
    "template without arguments": ({"type": "template", "name": "t"}, "x: missing field `arguments`"),
    "template key": (
        {"type": "template", "name": "t", "arguments": {}, "zz": 1},
        "x: unknown field `zz`, expected one of `name`, `arguments`",
    ),
    "raw_text without value": ({"type": "raw_text"}, "x: missing field `value`"),
    "raw_text key": ({"type": "raw_text", "text": "a"}, "x: unknown field `text`, expected one of `value`"),
    "tool_call without id": ({"type": "tool_call", "name": "t", "arguments": ""}, "x: missing field `id`"),
    "tool_call without a name": ({**A_CALL, "arguments": ""}, NEEDS),
    "tool_call without arguments": ({**A_CALL, "name": "t"}, NEEDS),
    "tool_call raw object": ({**A_CALL, "raw_name": "t", "raw_arguments": [1]}, NEEDS),
    "tool_result without id": (
        {"type": "tool_result", "name": "t", "result": "r"},
        "x: missing field `id`",
    ),
    "tool_result a map": ({**RESULT, "result": {}}, "x.result: invalid type: map, expected a string"),
    "tool_result key": ({**RESULT, "zz": 1}, "x: unknown field `zz`, expected one of `name`, `result`, `id`"),
    "thought text": ({"type": "thought", "text": 1}, "x.text: invalid type: integer `1`, expected a string"),
    "unknown without data": ({"type": "unknown"}, "x: missing field `data`"),
    "unknown names": (
        {"type": "unknown", "data": 1, "model_name": 1},
        "x.model_name: invalid type: integer `1`, expected a string",
    ),
    "unknown both spellings": (
        {
            "type": "unknown",
            "data": 1,
            "model_name": "m",
            "model_provider_name": "tensorzero::model_name::m::provider_name::p",
        },
        "x: `model_provider_name` cannot be combined with `model_name` or `provider_name`",
    ),
    "unknown older key": (
        {"type": "unknown", "data": 1, "model_provider_name": "m::p"},
        "x: `model_provider_name` is `m::p`, expected `tensorzero::model_name::M::provider_name::P`",
    ),
    "file of nothing": ({"type": "file"}, "x: a file needs `url`, `data` or `storage_path`"),
    "file of a kind": ({"type": "file", "file_type": "url"}, "x: a file needs `url`, `data` or `storage_path`"),
    "relative url": ({"type": "file", "url": "a/b"}, 'x.url: relative URL without a base: "a/b"'),
    "detail": (
        {"type": "file", "url": "https://a.test", "detail": "zz"},
        "x.detail: unknown variant `zz`, expected one of `low`, `high`, `auto`",
    ),
    "filename": (
        {"type": "file", "url": "https://a.test", "filename": 1},
        "x.filename: invalid type: integer `1`, expected a string",
    ),
    "mime_type": (
        {"type": "file", "url": "https://a.test", "mime_type": {}},
        "x.mime_type: invalid type: map, expected a string",
    ),
    "data URL": (
        {"type": "file", "data": "data:image/png;base64,AAAA"},
        "x: Invalid base64 data prefix: The `data` field must not contain `data:` prefix. "
        "Provide the pure base64-encoded data only.",
    ),
    "undetectable": (
        {"type": "file", "data": "AAAA"},
        "x: Invalid mime type: No mime type provided and unable to infer from data",
    ),
    "not ASCII": (
        {"type": "file", "data": "é"},
        "x.data: invalid base64: string argument should contain only ASCII characters",
    ),
    "pointer without a type": (
        {"type": "file", "storage_path": WHERE},
        "x: missing field `mime_type`",
    ),
    "storage path": (
        {"type": "file", "storage_path": {"kind": {}}, "mime_type": "a/b"},
        "x.storage_path: Object missing required field `path`",
    ),
}


@pytest.mark.parametrize(("block", "text"), REFUSED.values(), ids=REFUSED)
def test_refused_blocks(block, text):
    with pytest.raises(JsonRequest) as caught:
        parse_block(block, "user", "x")
    assert (caught.value.status, caught.value.text) == (400, text)


HEADS = {
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\0\0\0\0WEBP",
    "application/pdf": b"%PDF-1.7",
    "audio/mpeg": b"ID3\x04",
    "audio/x-wav": b"RIFF\0\0\0\0WAVE",
    "audio/ogg": b"OggS",
    "audio/x-flac": b"fLaC",
    "audio/m4a": b"\0\0\0\x20ftypM4A ",
    "video/mp4": b"\0\0\0\x20ftypisom",
    "video/webm": b"\x1aE\xdf\xa3",
    "audio/x-aiff": b"FORM\0\0\0\0AIFF",
}


@pytest.mark.parametrize(("mime_type", "head"), HEADS.items(), ids=HEADS)
def test_kinds_of_files_by_their_first_bytes(mime_type, head):
    assert detect_mime_type(head) == mime_type


@pytest.mark.parametrize("head", [b"", b"text", b"RIFF", b"RIFF\0\0\0\0XXXX", b"\x89PN", b"\0\0\0\x20fty"], ids=repr)
def test_files_of_no_known_kind(head):
    assert detect_mime_type(head) is None
