"""Content blocks of the native API: decoded JSON to `types.content` (`docs/clients.md`)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Literal, get_args

import msgspec

from t0.errors import JsonRequest
from t0.mime import detect_mime_type
from t0.routes.fields import mapping, optional_string, refuse_unknown, string
from t0.types.content import (
    File,
    Input,
    InputBlock,
    InputMessage,
    RawText,
    Role,
    StoragePath,
    SummaryText,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)

Json = dict[str, Any]


class WireMessage(msgspec.Struct, forbid_unknown_fields=True):
    role: Role
    content: str | list[Any] | Json


class WireInput(msgspec.Struct, forbid_unknown_fields=True):
    system: str | Json | None = None
    messages: list[WireMessage] = []


def parse_input(wire: WireInput, path: str = "input") -> Input:
    """The input with its blocks. Raises `JsonRequest` naming the block."""
    messages = [
        InputMessage(m.role, parse_content(m.content, m.role, f"{path}.messages[{i}].content"))
        for i, m in enumerate(wire.messages)
    ]
    return Input(system=wire.system, messages=messages)


def parse_content(content: str | list[Any] | Json, role: Role, path: str) -> list[InputBlock]:
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, dict):
        return [Template(role, content)]
    return [parse_block(block, role, f"{path}[{i}]") for i, block in enumerate(content)]


def parse_block(block: Any, role: Role, path: str) -> InputBlock:
    if not isinstance(block, dict):
        raise JsonRequest(f"{path}: invalid type: expected a map with the key `type`")
    kind = block.get("type")
    if kind is None:
        raise JsonRequest(f"{path}: missing field `type`")
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parser is None:
        raise JsonRequest(f"{path}: unknown variant `{kind}`, expected one of {_names(_PARSERS)}")
    return parser({k: v for k, v in block.items() if k != "type"}, role, path)


def _text(fields: Json, role: Role, path: str) -> InputBlock:
    if len(fields) != 1:
        raise JsonRequest(f"{path}: Expected exactly one other key in text content, found {len(fields)} other keys")
    if "text" in fields:
        return Text(string(fields, "text", path))
    if "arguments" in fields:
        return Template(role, mapping(fields, "arguments", path))
    raise JsonRequest(f"{path}: Unknown key `{next(iter(fields))}` in text content, expected `text` or `arguments`")


def _template(fields: Json, role: Role, path: str) -> InputBlock:
    refuse_unknown(fields, ("name", "arguments"), path)
    return Template(string(fields, "name", path), mapping(fields, "arguments", path))


def _raw_text(fields: Json, role: Role, path: str) -> InputBlock:
    refuse_unknown(fields, ("value",), path)
    return RawText(string(fields, "value", path))


def _tool_call(fields: Json, role: Role, path: str) -> InputBlock:
    """Form A (`name`, `arguments`) wins over form B (`raw_name`, `raw_arguments`), so valid values are replayed."""
    id_ = string(fields, "id", path)
    name, arguments = fields.get("name"), fields.get("arguments")
    name = name if isinstance(name, str) else fields.get("raw_name")
    if not isinstance(arguments, (str, dict)):
        arguments = fields.get("raw_arguments")
    if not isinstance(name, str) or not isinstance(arguments, (str, dict)):
        raise JsonRequest(
            f"{path}: a tool call needs `id`, `name` and `arguments`, or `id`, `raw_name` and `raw_arguments`"
        )
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall(id_, name, text)


def _tool_result(fields: Json, role: Role, path: str) -> InputBlock:
    refuse_unknown(fields, ("name", "result", "id"), path)
    return ToolResult(*(string(fields, key, path) for key in ("name", "result", "id")))


def _thought(fields: Json, role: Role, path: str) -> InputBlock:
    summary = fields.get("summary")
    if summary is not None:
        summary = _convert(summary, list[SummaryText], f"{path}.summary")
    return Thought(
        text=optional_string(fields, "text", path),
        signature=optional_string(fields, "signature", path),
        summary=summary,
        provider_type=optional_string(fields, "provider_type", path)
        or optional_string(fields, "_internal_provider_type", path),
        extra_data=fields.get("extra_data"),
    )


def _unknown(fields: Json, role: Role, path: str) -> InputBlock:
    if "data" not in fields:
        raise JsonRequest(f"{path}: missing field `data`")
    model, provider = (optional_string(fields, k, path) for k in ("model_name", "provider_name"))
    legacy = optional_string(fields, "model_provider_name", path)
    if legacy is not None:
        if model is not None or provider is not None:
            raise JsonRequest(f"{path}: `model_provider_name` cannot be combined with `model_name` or `provider_name`")
        model, provider = _split_model_provider(legacy, path)
    return Unknown(fields["data"], model, provider)


def _split_model_provider(text: str, path: str) -> tuple[str, str]:
    rest = text.removeprefix("tensorzero::model_name::")
    model, separator, provider = rest.rpartition("::provider_name::")
    if rest == text or not separator:
        raise JsonRequest(
            f"{path}: `model_provider_name` is `{text}`, expected `tensorzero::model_name::M::provider_name::P`"
        )
    return model, provider


# -- files -------------------------------------------------------------------------------------------------------------

_POINTERS = ("object_storage_pointer", "object_storage_error")


def _file(fields: Json, role: Role, path: str) -> InputBlock:
    """The form is chosen by `file_type` where that fits, else by the keys that are there."""
    detail = optional_string(fields, "detail", path)
    if detail is not None and detail not in get_args(Literal["low", "high", "auto"]):
        raise JsonRequest(f"{path}.detail: unknown variant `{detail}`, expected one of `low`, `high`, `auto`")
    common = {"detail": detail, "filename": optional_string(fields, "filename", path)}
    mime_type = optional_string(fields, "mime_type", path)
    if isinstance(fields.get("url"), str):
        return File(url=_url(fields["url"], path), mime_type=mime_type, **common)  # type: ignore[arg-type]
    if "storage_path" in fields:
        return _pointer_file(fields, mime_type, common, path)
    if isinstance(fields.get("data"), str):
        data = fields["data"]
        return File(data=_base64(data, path), mime_type=mime_type or _detected(data, path), **common)  # type: ignore[arg-type]
    raise JsonRequest(f"{path}: a file needs `url`, `data` or `storage_path`")


def _pointer_file(fields: Json, mime_type: str | None, common: dict[str, Any], path: str) -> File:
    if mime_type is None:
        raise JsonRequest(f"{path}: missing field `mime_type`")
    where = _convert(fields["storage_path"], StoragePath, f"{path}.storage_path")
    data = None if fields.get("file_type") in _POINTERS else optional_string(fields, "data", path)
    url = optional_string(fields, "source_url", path)
    return File(url=url, mime_type=mime_type, data=data, storage_path=where, **common)


def _url(url: str, path: str) -> str:
    if "://" not in url:
        raise JsonRequest(f'{path}.url: relative URL without a base: "{url}"')
    return url


def _base64(data: str, path: str) -> str:
    if data.startswith("data:"):
        raise JsonRequest(
            f"{path}: Invalid base64 data prefix: The `data` field must not contain `data:` prefix. "
            "Provide the pure base64-encoded data only."
        )
    return data


def _detected(data: str, path: str) -> str:
    try:
        head = base64.b64decode(data[:1024] + "=" * (-len(data[:1024]) % 4))
    except ValueError as e:
        raise JsonRequest(f"{path}.data: invalid base64: {e}") from e
    found = detect_mime_type(head)
    if found is None:
        raise JsonRequest(f"{path}: Invalid mime type: No mime type provided and unable to infer from data")
    return found


# -- fields ------------------------------------------------------------------------------------------------------------


def _convert(value: Any, type_: Any, path: str) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as e:
        raise JsonRequest(f"{path}: {e}") from e


def _names(names: Any) -> str:
    return ", ".join(f"`{n}`" for n in names)


_PARSERS: dict[str, Callable[[Json, Role, str], InputBlock]] = {
    "text": _text,
    "template": _template,
    "raw_text": _raw_text,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "thought": _thought,
    "file": _file,
    "image": _file,
    "unknown": _unknown,
}
