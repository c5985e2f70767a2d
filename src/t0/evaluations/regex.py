"""`type = "regex"`: patterns that the output must, or must not, contain."""

from __future__ import annotations

from typing import Annotated

import jsonschema_rs

from t0.config.fields import Rule
from t0.config.schema import EvaluatorConfig
from t0.errors import ConfigError


def _pattern_reason(pattern: str) -> str | None:
    """The patterns' syntax is that of Rust's `regex` crate: no look-around, no back-references, but `\\p{L}` and `\\z`.

    The JSON Schema engine embeds that crate, so it is the judge.
    """
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        return f"invalid regex: `{pattern}`, expected the syntax of Rust's `regex` crate (no look-around)"
    return None


Pattern = Annotated[str, Rule(_pattern_reason)]


class RegexConfig(EvaluatorConfig, frozen=True, kw_only=True):
    type = "regex"
    supported = False

    must_match: Pattern | None = None
    must_not_match: Pattern | None = None

    def check(self, path: str) -> None:
        if self.must_match is None and self.must_not_match is None:
            raise ConfigError("at least one of `must_match` or `must_not_match` must be specified", key=path)
