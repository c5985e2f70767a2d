"""Tools offered to a model."""

from typing import Any, Literal

from msgspec import Struct


class FunctionTool(Struct):
    """A function the model may call; `parameters` is a JSON Schema. Field order is the stored order."""

    description: str
    parameters: Any
    name: str
    strict: bool = False


class CustomTool(Struct, omit_defaults=True):
    """An OpenAI custom tool: free text, or text under a grammar."""

    name: str
    description: str | None = None
    format: dict[str, Any] | None = None


class ProviderToolScope(Struct, omit_defaults=True):
    model_name: str
    provider_name: str | None = None


class ProviderTool(Struct):
    """A tool that runs at the provider, passed on verbatim where `scope` matches (None matches everywhere)."""

    scope: ProviderToolScope | None
    tool: Any


class SpecificTool(Struct):
    specific: str


ToolChoice = Literal["none", "auto", "required"] | SpecificTool


class ToolConfig(Struct):
    """The tools of one request. `allowed` is None unless the caller named `allowed_tools` itself."""

    tools: list[FunctionTool]
    custom_tools: list[CustomTool]
    provider_tools: list[ProviderTool]
    choice: ToolChoice
    parallel_tool_calls: bool | None = None
    allowed: list[str] | None = None
