"""Which tools a request offers, and whether a model's tool call fits them."""

from __future__ import annotations

import msgspec

from t0.errors import DuplicateTool, DynamicJsonSchema, ToolNotFound
from t0.functions.base import PreparedTools
from t0.schemas import CompiledSchema, dynamic_schema
from t0.types.content import ToolCall, ToolCallOutput
from t0.types.inference import DynamicTools
from t0.types.tools import FunctionTool, SpecificTool, ToolChoice, ToolConfig


class StaticTool(msgspec.Struct, frozen=True):
    """`[tools.T]`: the tool under its display name, with its compiled parameters."""

    tool: FunctionTool
    schema: CompiledSchema


_NOTHING = DynamicTools()
"""What most requests say about tools."""

OfferedTools = dict[str, CompiledSchema | None]
"""Display name → parameters; None where these are no valid schema."""


class ToolBox:
    """The tools one function is configured with, and all configured tools that `allowed_tools` may add."""

    def __init__(
        self,
        configured: dict[str, StaticTool],
        names: list[str],
        choice: ToolChoice,
        parallel_tool_calls: bool | None,
    ) -> None:
        self._configured = configured
        self._names = names
        self._choice = choice
        self._parallel = parallel_tool_calls
        self.is_empty = not names
        self.has_own_choice = choice != "auto" or parallel_tool_calls is not None
        self._plain = self._prepare(_NOTHING)

    def prepare(self, dynamic: DynamicTools) -> PreparedTools:
        """The tool configuration of a request. Raises `ToolNotFound` and `DuplicateTool`."""
        if dynamic == _NOTHING:
            return self._plain
        return self._prepare(dynamic)

    def _prepare(self, dynamic: DynamicTools) -> PreparedTools:
        static_keys = list(dict.fromkeys(self._names))
        additional = dynamic.additional or []
        offered = {t.name for t in additional} | {t.name for t in dynamic.custom}
        allowed = self._allowed(dynamic.allowed, offered, static_keys)
        static = [self._configured[key].tool for key in static_keys]
        tools = [*static, *additional]
        names = [*(t.name for t in tools), *(t.name for t in dynamic.custom)]
        _refuse_duplicates(names)
        choice = self._choice if dynamic.choice is None else dynamic.choice
        if isinstance(choice, SpecificTool) and choice.specific not in names:
            raise ToolNotFound(choice.specific)
        if not names and not dynamic.provider_tools:
            return PreparedTools()
        parallel = self._parallel if dynamic.parallel_tool_calls is None else dynamic.parallel_tool_calls
        config = ToolConfig(tools, dynamic.custom, dynamic.provider_tools, choice, parallel, allowed)
        return PreparedTools(config, tuple(t.name for t in static))

    def _allowed(self, wanted: list[str] | None, offered: set[str], static_keys: list[str]) -> list[str] | None:
        """Display names of the allowed tools; configured tools that the function does not list are added to it."""
        if wanted is None:
            return None
        allowed = []
        for name in wanted:
            if name in self._configured:
                if name not in static_keys:
                    static_keys.append(name)
                allowed.append(self._configured[name].tool.name)
            elif name in offered:
                allowed.append(name)
            else:
                raise ToolNotFound(name)
        return allowed

    def schema_of(self, tool: FunctionTool) -> CompiledSchema | None:
        """The compiled parameters of an offered tool; None when they are no valid schema."""
        for static in self._configured.values():
            if static.tool is tool:
                return static.schema
        return usable_schema(tool.parameters)


def usable_schema(schema: object) -> CompiledSchema | None:
    """A request's schema, compiled; None for an invalid one, which fails no request but validates nothing."""
    try:
        return dynamic_schema(schema)
    except DynamicJsonSchema:
        return None


def _refuse_duplicates(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DuplicateTool(name)
        seen.add(name)


def judge(call: ToolCall, tools: PreparedTools, box: ToolBox) -> ToolCallOutput:
    """The call as answered: `name` is null for a tool that was not offered, `arguments` where they do not validate."""
    config = tools.config
    tool = next((t for t in config.tools if t.name == call.name), None) if config is not None else None
    if tool is not None:
        return ToolCallOutput(call.id, call.name, call.arguments, call.name, _arguments(call, box.schema_of(tool)))
    custom = config is not None and any(t.name == call.name for t in config.custom_tools)
    return ToolCallOutput(call.id, call.name, call.arguments, call.name if custom else None, None)


def _arguments(call: ToolCall, schema: CompiledSchema | None) -> object:
    if schema is None:
        return None
    try:
        value = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return value if schema.is_valid(value) else None
