"""Request fields that both faces share: tools, `extra_body`, `extra_headers`, provider tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t0.errors import JsonRequest
from t0.routes.decode import described
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ProviderToolScope

Json = dict[str, Any]


def parse_tools(tools: list[Json] | None, path: str) -> tuple[list[FunctionTool] | None, list[CustomTool]]:
    """Function tools and custom tools of `additional_tools`; the first is None when the field is absent."""
    if tools is None:
        return None, []
    functions: list[FunctionTool] = []
    customs: list[CustomTool] = []
    for i, tool in enumerate(tools):
        kind = tool.get("type", "function")
        fields = {k: v for k, v in tool.items() if k != "type"}
        if kind in ("function", "client_side_function"):
            functions.append(function_tool(fields, f"{path}[{i}]"))
        elif kind == "openai_custom":
            customs.append(custom_tool(fields, f"{path}[{i}]"))
        else:
            raise JsonRequest(f"{path}[{i}].type: unknown variant `{kind}`, expected `function` or `openai_custom`")
    return functions, customs


def function_tool(fields: Json, path: str) -> FunctionTool:
    refuse_unknown(fields, ("description", "parameters", "name", "strict"), path)
    if "parameters" not in fields:
        raise JsonRequest(f"{path}: missing field `parameters`")
    return FunctionTool(
        string(fields, "description", path), fields["parameters"], string(fields, "name", path), is_strict(fields, path)
    )


def is_strict(fields: Json, path: str) -> bool:
    strict = fields.get("strict", False)
    if not isinstance(strict, bool):
        raise JsonRequest(f"{path}.strict: invalid type: {described(strict)}, expected a boolean")
    return strict


def custom_tool(fields: Json, path: str) -> CustomTool:
    refuse_unknown(fields, ("name", "description", "format"), path)
    description = optional_string(fields, "description", path)
    format_ = None if fields.get("format") is None else _format(mapping(fields, "format", path), f"{path}.format")
    return CustomTool(string(fields, "name", path), description, format_)


def _format(fields: Json, path: str) -> Json:
    kind = string(fields, "type", path)
    if kind == "text":
        return {"type": "text"}
    if kind != "grammar":
        raise JsonRequest(f"{path}: unknown variant `{kind}`, expected `text` or `grammar`")
    grammar, path = mapping(fields, "grammar", path), f"{path}.grammar"
    syntax = string(grammar, "syntax", path)
    if syntax not in ("lark", "regex"):
        raise JsonRequest(f"{path}.syntax: unknown variant `{syntax}`, expected `lark` or `regex`")
    return {"type": "grammar", "grammar": {"syntax": syntax, "definition": string(grammar, "definition", path)}}


def parse_provider_tools(tools: list[Json], path: str) -> list[ProviderTool]:
    return [_provider_tool(tool, f"{path}[{i}]") for i, tool in enumerate(tools)]


def _provider_tool(tool: Json, path: str) -> ProviderTool:
    refuse_unknown(tool, ("scope", "tool"), path)
    if "tool" not in tool:
        raise JsonRequest(f"{path}: missing field `tool`")
    if tool.get("scope") is None:
        return ProviderTool(None, tool["tool"])
    scope = mapping(tool, "scope", path)
    refuse_unknown(scope, ("model_name", "provider_name", "model_provider_name"), f"{path}.scope")
    providers = [optional_string(scope, key, f"{path}.scope") for key in ("provider_name", "model_provider_name")]
    provider = next((p for p in providers if p is not None), None)
    return ProviderTool(ProviderToolScope(string(scope, "model_name", f"{path}.scope"), provider), tool["tool"])


def parse_extra_body(entries: list[Json], path: str) -> list[ExtraBody]:
    parsed = []
    for i, entry in enumerate(entries):
        change = _change(entry, "pointer", f"{path}[{i}]", "ExtraBodyReplacementKind")
        parsed.append(ExtraBody(pointer=string(entry, "pointer", f"{path}[{i}]"), **change))
    return parsed


def parse_extra_headers(entries: list[Json], path: str) -> list[ExtraHeader]:
    parsed = []
    for i, entry in enumerate(entries):
        change = _change(entry, "name", f"{path}[{i}]", "DynamicExtraHeader")
        if "value" in change and not isinstance(change["value"], str):
            raise _no_match(f"{path}[{i}]", "DynamicExtraHeader")
        parsed.append(ExtraHeader(name=string(entry, "name", f"{path}[{i}]"), **change))
    return parsed


def _change(entry: Mapping[str, Any], place: str, path: str, kind: str) -> Json:
    """The entry's change and filter; the deprecated filter `model_provider_name` is dropped: it always applied."""
    fields = {k: v for k, v in entry.items() if k not in (place, "model_provider_name")}
    if place not in entry or ("value" in fields) == ("delete" in fields) or fields.get("delete", True) is not True:
        raise _no_match(path, kind)
    filters = set(fields) - {"value", "delete"}
    if filters not in (set(), {"variant_name"}, {"model_name"}, {"model_name", "provider_name"}):
        raise _no_match(path, kind)
    if any(not isinstance(fields[f], str) for f in filters if (f, fields[f]) != ("provider_name", None)):
        raise _no_match(path, kind)
    return fields


def _no_match(path: str, kind: str) -> JsonRequest:
    return JsonRequest(f"{path}: data did not match any variant of untagged enum {kind}")


def string(fields: Mapping[str, Any], key: str, path: str) -> str:
    value = fields.get(key)
    if isinstance(value, str):
        return value
    if key not in fields:
        raise JsonRequest(f"{path}: missing field `{key}`")
    raise JsonRequest(f"{path}.{key}: invalid type: {described(value)}, expected a string")


def optional_string(fields: Mapping[str, Any], key: str, path: str) -> str | None:
    """As `string`; None for a key that is absent or null."""
    return None if fields.get(key) is None else string(fields, key, path)


def mapping(fields: Mapping[str, Any], key: str, path: str) -> Json:
    value = fields.get(key)
    if isinstance(value, dict):
        return value
    if key not in fields:
        raise JsonRequest(f"{path}: missing field `{key}`")
    raise JsonRequest(f"{path}.{key}: invalid type: {described(value)}, expected a map")


def refuse_unknown(fields: Mapping[str, Any], allowed: tuple[str, ...], path: str) -> None:
    for key in fields:
        if key not in allowed:
            names = ", ".join(f"`{a}`" for a in allowed)
            raise JsonRequest(f"{path}: unknown field `{key}`, expected one of {names}")
