"""The tools that a stored inference had, read back from its row."""

from __future__ import annotations

from typing import Any

import msgspec

from t0.functions.tools import OfferedTools, StaticTool, usable_schema


def stored_tools(configured: dict[str, StaticTool], row: dict[str, Any]) -> OfferedTools:
    """Parameter schemas by display name: those of the request, and the configured tools the inference could call."""
    offered: OfferedTools = {}
    static = {t.tool.name: t.schema for t in configured.values()}
    for name in _static_names(row):
        if name in static:
            offered[name] = static[name]
    for text in row["dynamic_tools"]:
        tool = msgspec.json.decode(text)
        if tool.get("type", "function") in ("function", "client_side_function"):
            offered[tool["name"]] = usable_schema(tool["parameters"])
    return offered


def _static_names(row: dict[str, Any]) -> list[str]:
    """Old rows hold all tools in `tool_params`; newer ones name them in `allowed_tools`, too."""
    names: list[str] = []
    if row["tool_params"]:
        names += [t["name"] for t in msgspec.json.decode(row["tool_params"])["tools_available"]]
    if row["allowed_tools"]:
        names += msgspec.json.decode(row["allowed_tools"])["tools"]
    return names
