"""`type = "tool_use"`: which tools the output calls."""

from __future__ import annotations

from typing import Literal

from t0.config.schema import EvaluatorConfig
from t0.errors import ConfigError


class ToolUseConfig(EvaluatorConfig, frozen=True, kw_only=True):
    type = "tool_use"
    supported = False

    behavior: Literal["none", "any", "none_of", "any_of", "all_of"]
    tools: list[str] | None = None

    def check(self, path: str) -> None:
        if self.behavior in ("none", "any"):
            if self.tools is not None:
                raise ConfigError(f'unknown field `tools` with `behavior = "{self.behavior}"`', key=f"{path}.tools")
        elif self.tools is None:
            raise ConfigError("missing field `tools`", key=path)
        elif not self.tools:
            raise ConfigError(f'`tools` must not be empty with `behavior = "{self.behavior}"`', key=f"{path}.tools")
