"""Tools, tool choice and allowed tools, as chat completions take them."""

from typing import Any

from t0.errors import IncompatibleTool
from t0.providers.chat.dialect import Dialect
from t0.providers.notices import warn_once
from t0.types.tools import CustomTool, FunctionTool, SpecificTool, ToolChoice, ToolConfig


def tool_fields(config: ToolConfig | None, dialect: Dialect, label: str) -> dict[str, Any]:
    """The body's `tools`, `tool_choice` and `parallel_tool_calls`; empty without tools. Raises `IncompatibleTool`."""
    if config is None:
        return {}
    custom = _custom_tools(config, dialect, label)
    if not config.tools and not custom:
        return {}
    filtered = config.allowed is not None and not dialect.allowed_tools
    tools = [t for t in config.tools if t.name in (config.allowed or ())] if filtered else config.tools
    fields: dict[str, Any] = {
        "tools": [*(_function_tool(t, dialect.strict) for t in tools), *(_custom_tool(t) for t in custom)],
        "tool_choice": _tool_choice(config, dialect),
    }
    if dialect.parallel_tool_calls and config.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = config.parallel_tool_calls
    return fields


def _custom_tools(config: ToolConfig, dialect: Dialect, label: str) -> list[CustomTool]:
    if dialect.custom_tools or not config.custom_tools:
        return config.custom_tools
    if config.tools:
        raise IncompatibleTool("OpenAI custom tools are not supported by this provider")
    warn_once(f"{label} does not support OpenAI custom tools, so they will be ignored.")
    return []


def _function_tool(tool: FunctionTool, strict: bool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    wire = {"type": "function", "function": function}
    return {**wire, "strict": tool.strict} if strict else wire


def _custom_tool(tool: CustomTool) -> dict[str, Any]:
    return {"type": "custom", "custom": tool}


def _tool_choice(config: ToolConfig, dialect: Dialect) -> Any:
    if config.allowed is not None and dialect.allowed_tools and config.choice != "none":
        custom = {t.name for t in config.custom_tools}
        tools = [_reference("custom" if name in custom else "function", name) for name in config.allowed]
        mode = "required" if config.choice == "required" else "auto"
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
    return plain_choice(config.choice, dialect.required)


def plain_choice(choice: ToolChoice, required: str) -> Any:
    """`tool_choice` without regard to allowed tools."""
    if isinstance(choice, SpecificTool):
        return _reference("function", choice.specific)
    return required if choice == "required" else choice


def _reference(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, kind: {"name": name}}
