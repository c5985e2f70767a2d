"""Tools and schemas, as Gemini takes them."""

from typing import Any

from t0.errors import IncompatibleTool
from t0.types.tools import SpecificTool, ToolConfig

REFUSED = frozenset({"$schema", "additionalProperties", "ref"})
"""Keywords of JSON Schema that Gemini answers with an error."""
NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Keywords whose value maps names to schemas: the names are nobody's keywords."""
VALUES = frozenset({"enum", "const", "default", "example", "examples", "required"})
"""Keywords whose value is data."""

MODES = {"none": "none", "auto": "auto", "required": "any"}


def tool_fields(config: ToolConfig | None) -> dict[str, Any]:
    """The body's `tools` and `toolConfig`; empty without function tools. Raises `IncompatibleTool`."""
    if config is None:
        return {}
    if config.custom_tools:
        raise IncompatibleTool("OpenAI custom tools are not supported by this provider")
    if not config.tools:
        return {}
    declarations = [
        {"name": t.name, "description": t.description, "parameters": plain_schema(t.parameters)} for t in config.tools
    ]
    return {
        "tools": [{"functionDeclarations": declarations}],
        "toolConfig": {"functionCallingConfig": _calling_config(config)},
    }


def _calling_config(config: ToolConfig) -> dict[str, Any]:
    if isinstance(config.choice, SpecificTool):
        return {"mode": "any", "allowedFunctionNames": [config.choice.specific]}
    if config.allowed is not None and config.choice != "none":
        # Names are taken with this mode only.
        return {"mode": "any", "allowedFunctionNames": config.allowed}
    return {"mode": MODES[config.choice]}


def plain_schema(schema: Any) -> Any:
    """`schema` without the keywords that Gemini refuses, at any depth; properties may be named as they like."""
    if isinstance(schema, list):
        return [plain_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _plain_value(key, value) for key, value in schema.items() if key not in REFUSED}


def _plain_value(key: str, value: Any) -> Any:
    if key in VALUES:
        return value
    if key in NAMED_SCHEMAS and isinstance(value, dict):
        return {name: plain_schema(inner) for name, inner in value.items()}
    return plain_schema(value)
