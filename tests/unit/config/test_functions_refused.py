"""Refused configurations: `[functions]`, `[tools]`, `[metrics]`."""

import pytest

from unit.config.build import JSON, function_keys
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            '[functions."tensorzero::f"]\ntype = "chat"\nvariants = {}',
            ("functions.tensorzero::f: User-defined function name cannot start with `tensorzero::`: tensorzero::f"),
            id="reserved_name",
        ),
        pytest.param('[functions.f]\ntype = "chat"', "functions.f: missing field `variants`", id="variants_missing"),
        pytest.param(
            function_keys('output_schema = "any.json"'),
            (
                "functions.f.output_schema: unknown field `output_schema` for type `chat`, expected one of `variants`, "
                "`system_schema`, `user_schema`, `assistant_schema`, `schemas`, `description`, "
                "`experimentation`, `evaluators`, `tools`, `tool_choice`, `parallel_tool_calls`"
            ),
            id="chat_output_schema",
        ),
        pytest.param(
            JSON.replace('type = "json"', 'type = "json"\ntools = []'),
            (
                "functions.f.tools: unknown field `tools` for type `json`, expected one of `variants`, "
                "`system_schema`, `user_schema`, `assistant_schema`, `schemas`, `description`, `experimentation`, "
                "`evaluators`, `output_schema`"
            ),
            id="json_tools",
        ),
        pytest.param(
            function_keys('tools = ["zzz"]'),
            "functions.f.tools: tool `zzz` is not present in the config",
            id="unknown_tool",
        ),
        pytest.param(
            function_keys('tool_choice = "zzz"'),
            ("functions.f.tool_choice: unknown variant `zzz`, expected one of `none`, `auto`, `required`, `specific`"),
            id="tool_choice_unknown",
        ),
        pytest.param(
            function_keys('tool_choice = "specific"'),
            (
                'functions.f.tool_choice: invalid type: string "specific", expected `none`, `auto`, '
                '`required` or `{ specific = "tool" }`'
            ),
            id="tool_choice_specific_without_tool",
        ),
        pytest.param(
            function_keys('tool_choice = { zzz = "t" }'),
            "functions.f.tool_choice: unknown variant `zzz`, expected `specific`",
            id="tool_choice_other_table",
        ),
        pytest.param(
            function_keys('user_schema = "any.json"\nschemas.user.path = "any.json"'),
            "functions.f: Cannot specify both `schemas.user.path` and `user_schema`",
            id="schema_twice",
        ),
        pytest.param(
            function_keys('schemas.x.path = "bad.json"'),
            (
                "functions.f.schemas.x: Failed to parse JSON Schema `bad.json`: JSON is malformed: object "
                "keys must be strings (byte 1)"
            ),
            id="schema_not_json",
        ),
        pytest.param(
            function_keys('schemas.x.path = "badschema.json"'),
            (
                'functions.f.schemas.x: Failed to compile JSON Schema `badschema.json`: "nonsense" is not '
                "valid under any of the schemas listed in the 'anyOf' keyword"
            ),
            id="schema_not_schema",
        ),
        pytest.param(
            JSON.replace('type = "json"', 'type = "json"\noutput_schema = "badschema.json"'),
            (
                'functions.f.output_schema: Failed to compile JSON Schema `badschema.json`: "nonsense" is '
                "not valid under any of the schemas listed in the 'anyOf' keyword"
            ),
            id="output_schema_not_schema",
        ),
        pytest.param(
            function_keys('schemas.x = { path = "any.json", zzz = 1 }'),
            "functions.f.schemas.x.zzz: unknown field `zzz`, expected `path`",
            id="schema_entry_unknown_key",
        ),
        pytest.param(
            '[tools.t]\ndescription = "d"\nparameters = "badschema.json"',
            (
                'tools.t.parameters: Failed to compile JSON Schema `badschema.json`: "nonsense" is not valid '
                "under any of the schemas listed in the 'anyOf' keyword"
            ),
            id="tool_parameters_not_schema",
        ),
        pytest.param(
            '[tools.t]\ndescription = "d"\nparameters = {}',
            "tools.t.parameters: Expected a string, found table",
            id="tool_parameters_inline",
        ),
        pytest.param(
            '[tools."tensorzero::t"]\ndescription = "d"\nparameters = "any.json"',
            "tools.tensorzero::t: Tool name cannot start with 'tensorzero::': tensorzero::t",
            id="tool_reserved",
        ),
        pytest.param(
            '[metrics.comment]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"',
            "metrics.comment: Metric name 'comment' is reserved and cannot be used",
            id="metric_reserved",
        ),
        pytest.param(
            '[metrics."tensorzero::m"]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"',
            "metrics.tensorzero::m: Metric name 'tensorzero::m' is reserved and cannot be used",
            id="metric_prefix",
        ),
        pytest.param(
            '[metrics."a b"]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"',
            (
                "metrics: Metric name `a b` contains characters that are not allowed. Use letters, digits "
                "and `_ - . : /`"
            ),
            id="metric_characters",
        ),
        pytest.param(
            '[metrics.""]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"',
            "metrics: Metric name cannot be empty",
            id="metric_empty",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
