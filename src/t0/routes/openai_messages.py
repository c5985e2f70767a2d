"""OpenAI messages and content parts to t0's input."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct

from t0.errors import InvalidOpenAIRequest, JsonRequest
from t0.mime import detect_mime_type
from t0.routes.blocks import parse_block
from t0.types.content import (
    File,
    Input,
    InputBlock,
    InputMessage,
    RawText,
    Role,
    Template,
    Text,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_CONTENT_SHAPE = (
    "message content must either be a string or an array of length 1 containing structured TensorZero inputs"
)


class OpenAIFunctionCall(Struct):
    name: str
    arguments: str


class OpenAIToolCall(Struct):
    id: str
    type: str
    function: OpenAIFunctionCall


class OpenAIMessage(Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Any = UNSET
    tool_calls: list[OpenAIToolCall] | None = None
    tool_call_id: str | None = None
    tensorzero_extra_content: list[Json] | None = None


def parse_messages(messages: list[OpenAIMessage]) -> Input:
    """The input that `messages` describe. Raises `InvalidOpenAIRequest` and `JsonRequest`."""
    system = _System()
    out: list[InputMessage] = []
    tool_names: dict[str, str] = {}
    after_tool = False
    for i, message in enumerate(messages):
        if message.role in ("system", "developer"):
            system.add(_required(message.content, i, message.role))
            continue
        if message.role == "tool":
            result = _tool_result(message, tool_names, i)
            if after_tool:
                out[-1].content.append(result)
            else:
                out.append(InputMessage("user", [result]))
        elif message.role == "user":
            out.append(InputMessage("user", parse_content(_required(message.content, i, "user"), "user")))
        else:
            out.append(InputMessage("assistant", _assistant_content(message, tool_names)))
        after_tool = message.role == "tool"
    return Input(system=system.value(), messages=out)


def _required(content: Any, index: int, role: str) -> Any:
    if content is UNSET:
        raise JsonRequest(f"messages[{index}]: missing field `content`")
    return content


class _System:
    """Collects the system messages: texts joined by newlines, or the arguments of one template."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._template: Json | None = None

    def add(self, content: Any) -> None:
        for block in parse_content(content, "system"):
            if isinstance(block, Template):
                self._add_template(block.arguments)
            elif isinstance(block, Text):
                self._add_text(block.text)
            elif isinstance(block, RawText):
                self._add_text(block.value)
            else:
                raise InvalidOpenAIRequest("System message must contain only text or template content blocks")

    def _add_text(self, text: str) -> None:
        if self._template is not None:
            raise InvalidOpenAIRequest("Cannot add text after template system message")
        self._texts.append(text)

    def _add_template(self, arguments: Json) -> None:
        if self._texts or self._template is not None:
            raise InvalidOpenAIRequest("System message cannot contain template with other content")
        self._template = arguments

    def value(self) -> str | Json | None:
        if self._template is not None:
            return self._template
        return "\n".join(self._texts) if self._texts else None


def _tool_result(message: OpenAIMessage, tool_names: dict[str, str], index: int) -> ToolResult:
    """The result is kept as JSON text, as the reference stores it: a string `x` becomes `"x"` with its quotes."""
    if message.tool_call_id is None:
        raise JsonRequest(f"messages[{index}]: missing field `tool_call_id`")
    name = tool_names.get(message.tool_call_id)
    if name is None:
        raise InvalidOpenAIRequest("tool call id not found")
    content = None if message.content is UNSET else message.content
    return ToolResult(name, msgspec.json.encode(content).decode(), message.tool_call_id)


def _assistant_content(message: OpenAIMessage, tool_names: dict[str, str]) -> list[InputBlock]:
    blocks: list[InputBlock] = []
    if message.content is not UNSET and message.content is not None:
        blocks = parse_content(message.content, "assistant")
    for call in message.tool_calls or []:
        tool_names[call.id] = call.function.name
        blocks.append(ToolCall(call.id, call.function.name, call.function.arguments))
    return _with_extra_content(blocks, message.tensorzero_extra_content or [])


def _with_extra_content(blocks: list[InputBlock], extra: list[Json]) -> list[InputBlock]:
    """Inserts thought and unknown blocks: indexed ones in ascending order, then the others at the very front."""
    indexed: list[tuple[int, InputBlock]] = []
    front: list[InputBlock] = []
    for i, entry in enumerate(extra):
        path = f"tensorzero_extra_content[{i}]"
        if entry.get("type") not in ("thought", "unknown"):
            raise JsonRequest(f"{path}: unknown variant `{entry.get('type')}`, expected `thought` or `unknown`")
        block = parse_block({k: v for k, v in entry.items() if k != "insert_index"}, "assistant", path)
        position = entry.get("insert_index")
        if position is None:
            front.append(block)
        elif isinstance(position, int) and not isinstance(position, bool) and position >= 0:
            indexed.append((position, block))
        else:
            raise JsonRequest(f"{path}.insert_index: invalid value: expected a non-negative integer")
    for position, block in sorted(indexed, key=lambda pair: pair[0]):
        blocks.insert(min(position, len(blocks)), block)
    return front + blocks


# -- content parts -----------------------------------------------------------------------------------------------------


def parse_content(content: Any, role: Role | Literal["system"]) -> list[InputBlock]:
    if isinstance(content, str):
        return [Text(content)]
    if not isinstance(content, list):
        raise InvalidOpenAIRequest(_CONTENT_SHAPE)
    return [_part(part, role) for part in content]


def _part(part: Any, role: str) -> InputBlock:
    if not isinstance(part, dict):
        raise InvalidOpenAIRequest(f"Invalid content block: {msgspec.json.encode(part).decode()}")
    kind = part.get("type")
    parser = _PARTS.get(kind) if isinstance(kind, str) else None
    try:
        if parser is not None:
            return parser(part, role)
        if "type" in part:
            raise _Malformed(f"unknown variant `{kind}`")
    except _Malformed as e:
        tensorzero = any(k.startswith("tensorzero::") for k in part) or str(kind).startswith("tensorzero::")
        what = "Invalid TensorZero content block" if tensorzero else "Invalid content block"
        raise InvalidOpenAIRequest(f"{what}: {e}") from e
    if any(k.startswith("tensorzero::") for k in part):
        raise InvalidOpenAIRequest("Invalid TensorZero content block: missing field `type`")
    return Template(role, part)


class _Malformed(Exception):
    """A part of a known type with the wrong keys; the text names them."""


def _text(part: Json, role: str) -> InputBlock:
    arguments = part.get("tensorzero::arguments")
    if ("text" in part) == (arguments is not None):
        raise _Malformed("expected exactly one of `text` and `tensorzero::arguments`")
    if arguments is not None:
        if not isinstance(arguments, dict):
            raise _Malformed("`tensorzero::arguments` must be an object")
        return Template(role, arguments)
    return Text(_string(part, "text"))


def _image_url(part: Json, role: str) -> InputBlock:
    image = _sole(part, "image_url")
    _only(image, ("url", "detail", "tensorzero::mime_type"))
    url, detail = _string(image, "url"), image.get("detail")
    if detail not in (None, "low", "high", "auto"):
        raise _Malformed(f"detail: unknown variant `{detail}`, expected one of `low`, `high`, `auto`")
    if url.startswith("data:"):
        mime_type, data = _data_url(url)
        return File(data=data, mime_type=mime_type, detail=detail)
    if "://" not in url:
        raise _Malformed(f'relative URL without a base: "{url}"')
    return File(url=url, mime_type=_optional_string(image, "tensorzero::mime_type"), detail=detail)


def _file(part: Json, role: str) -> InputBlock:
    file = _sole(part, "file")
    _only(file, ("file_data", "filename", "file_id"))
    if "file_data" not in file:
        unsupported = "`file_id` is not supported, expected `file_data`"
        raise _Malformed(unsupported if "file_id" in file else "missing field `file_data`")
    mime_type, data = _data_url(_string(file, "file_data"))
    return File(data=data, mime_type=mime_type, filename=_optional_string(file, "filename"))


def _input_audio(part: Json, role: str) -> InputBlock:
    audio = _sole(part, "input_audio")
    _only(audio, ("data", "format"))
    data, format_ = _string(audio, "data"), _string(audio, "format")
    try:
        head = base64.b64decode(data, validate=True)[:1024]
    except ValueError as e:
        raise InvalidOpenAIRequest(f"Invalid base64 in input_audio data: {e}") from e
    mime_type = detect_mime_type(head)
    if mime_type is None:
        raise InvalidOpenAIRequest(f"Could not detect audio format from file content. Format field was: {format_}")
    if not mime_type.startswith("audio/"):
        kind = mime_type.split("/", 1)[0].capitalize()
        raise InvalidOpenAIRequest(f"Expected audio file for input_audio, but detected {mime_type} (type: {kind})")
    return File(data=data, mime_type=mime_type)


def _raw_text(part: Json, role: str) -> InputBlock:
    _only(part, ("type", "value"))
    return RawText(_string(part, "value"))


def _template(part: Json, role: str) -> InputBlock:
    _only(part, ("type", "name", "arguments"))
    arguments = part.get("arguments")
    if not isinstance(arguments, dict):
        raise _Malformed("missing field `arguments`" if arguments is None else "`arguments` must be an object")
    return Template(_string(part, "name"), arguments)


def _data_url(text: str) -> tuple[str, str]:
    """MIME type and base64 text of a `data:` URL."""
    mime_type, separator, data = text.removeprefix("data:").partition(";base64,")
    if not text.startswith("data:") or not separator:
        raise InvalidOpenAIRequest("file data must be a base64-encoded data URL: `data:<mime_type>;base64,<data>`")
    return mime_type, data


def _sole(part: Json, key: str) -> Json:
    """The object under `key`, which must be the part's only key beside `type`."""
    for name in part:
        if name not in ("type", key):
            raise _Malformed(f"{name}: unknown field `{name}`, expected `{key}`")
    value = part.get(key)
    if not isinstance(value, dict):
        raise _Malformed(f"missing field `{key}`" if value is None else f"`{key}` must be an object")
    return value


def _only(fields: Json, allowed: tuple[str, ...]) -> None:
    for key in fields:
        if key not in allowed:
            names = ", ".join(f"`{a}`" for a in allowed)
            raise _Malformed(f"{key}: unknown field `{key}`, expected one of {names}")


def _string(fields: Json, key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise _Malformed(f"missing field `{key}`" if key not in fields else f"`{key}` must be a string")
    return value


def _optional_string(fields: Json, key: str) -> str | None:
    return None if fields.get(key) is None else _string(fields, key)


_PARTS = {
    "text": _text,
    "image_url": _image_url,
    "file": _file,
    "input_audio": _input_audio,
    "tensorzero::raw_text": _raw_text,
    "tensorzero::template": _template,
}
