"""Tools, provider tools, `extra_body` and `extra_headers` of requests."""

import pytest

from t0.errors import JsonRequest
from t0.routes.fields import parse_extra_body, parse_extra_headers, parse_provider_tools, parse_tools
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ProviderToolScope


def refusal(parse, value):
    with pytest.raises(JsonRequest) as caught:
        parse([value], "x")
    assert caught.value.status == 400
    return caught.value.text


TOOL = {"name": "t", "description": "d", "parameters": {"type": "object"}}
PLAIN = FunctionTool("d", {"type": "object"}, "t", False)
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}


@pytest.mark.parametrize("kind", [{}, {"type": "function"}, {"type": "client_side_function"}], ids=str)
def test_function_tools(kind):
    strict = {**TOOL, **kind, "name": "s", "strict": True}
    assert parse_tools([{**kind, **TOOL}, strict], "x") == (
        [PLAIN, FunctionTool("d", {"type": "object"}, "s", True)],
        [],
    )


@pytest.mark.parametrize("parameters", [None, 5, []], ids=str)
def test_parameters_may_be_any_value(parameters):
    assert parse_tools([{**TOOL, "parameters": parameters}], "x")[0] == [FunctionTool("d", parameters, "t", False)]


def test_custom_tools():
    given = [
        {"type": "openai_custom", "name": "a"},
        {"type": "openai_custom", "name": "b", "description": "d", "format": {"type": "text"}},
        {"type": "openai_custom", "name": "c", "description": None, "format": GRAMMAR},
    ]
    assert parse_tools(given, "x") == (
        [],
        [CustomTool("a"), CustomTool("b", "d", {"type": "text"}), CustomTool("c", None, GRAMMAR)],
    )


def test_no_tools_are_not_an_empty_list():
    assert (parse_tools(None, "x"), parse_tools([], "x")) == ((None, []), ([], []))


def custom(**fields):
    return {"type": "openai_custom", "name": "c", **fields}


def without(key):
    return {k: v for k, v in TOOL.items() if k != key}


TOOLS_REFUSED = {
    "kind": ({**TOOL, "type": "zz"}, "x[0].type: unknown variant `zz`, expected `function` or `openai_custom`"),
    "unknown key": (
        {**TOOL, "zz": 1},
        "x[0]: unknown field `zz`, expected one of `description`, `parameters`, `name`, `strict`",
    ),
    "no name": (without("name"), "x[0]: missing field `name`"),
    "no description": (without("description"), "x[0]: missing field `description`"),
    "no parameters": (without("parameters"), "x[0]: missing field `parameters`"),
    "name null": ({**TOOL, "name": None}, "x[0].name: invalid type: null, expected a string"),
    "strict null": ({**TOOL, "strict": None}, "x[0].strict: invalid type: null, expected a boolean"),
    "custom key": (custom(zz=1), "x[0]: unknown field `zz`, expected one of `name`, `description`, `format`"),
    "custom name": ({"type": "openai_custom"}, "x[0]: missing field `name`"),
    "custom description": (custom(description=1), "x[0].description: invalid type: integer `1`, expected a string"),
    "format": (custom(format={"type": "zz"}), "x[0].format: unknown variant `zz`, expected `text` or `grammar`"),
    "format a string": (custom(format="text"), 'x[0].format: invalid type: string "text", expected a map'),
    "no grammar": (custom(format={"type": "grammar"}), "x[0].format: missing field `grammar`"),
    "syntax": (
        custom(format={"type": "grammar", "grammar": {"syntax": "ebnf", "definition": ""}}),
        "x[0].format.grammar.syntax: unknown variant `ebnf`, expected `lark` or `regex`",
    ),
    "no definition": (
        custom(format={"type": "grammar", "grammar": {"syntax": "regex"}}),
        "x[0].format.grammar: missing field `definition`",
    ),
}


@pytest.mark.parametrize(("tool", "text"), TOOLS_REFUSED.values(), ids=TOOLS_REFUSED)
def test_refused_tools(tool, text):
    assert refusal(parse_tools, tool) == text


PROVIDER_TOOLS = {
    "unscoped": ({"tool": {"type": "web"}}, ProviderTool(None, {"type": "web"})),
    "scope null": ({"tool": None, "scope": None}, ProviderTool(None, None)),
    "model": ({"tool": 1, "scope": {"model_name": "m"}}, ProviderTool(ProviderToolScope("m"), 1)),
    "provider null": (
        {"tool": 1, "scope": {"model_name": "m", "provider_name": None}},
        ProviderTool(ProviderToolScope("m"), 1),
    ),
    "provider": (
        {"tool": 1, "scope": {"model_name": "m", "provider_name": "p"}},
        ProviderTool(ProviderToolScope("m", "p"), 1),
    ),
    "older name": (
        {"tool": 1, "scope": {"model_name": "m", "model_provider_name": "p"}},
        ProviderTool(ProviderToolScope("m", "p"), 1),
    ),
}


@pytest.mark.parametrize(("tool", "expected"), PROVIDER_TOOLS.values(), ids=PROVIDER_TOOLS)
def test_provider_tools(tool, expected):
    assert parse_provider_tools([tool], "x") == [expected]


PROVIDER_TOOLS_REFUSED = {
    "no tool": ({"scope": None}, "x[0]: missing field `tool`"),
    "unknown key": ({"tool": 1, "zz": 1}, "x[0]: unknown field `zz`, expected one of `scope`, `tool`"),
    "scope": ({"tool": 1, "scope": "m"}, 'x[0].scope: invalid type: string "m", expected a map'),
    "no model": ({"tool": 1, "scope": {"provider_name": "p"}}, "x[0].scope: missing field `model_name`"),
    "scope key": (
        {"tool": 1, "scope": {"model_name": "m", "zz": 1}},
        "x[0].scope: unknown field `zz`, expected one of `model_name`, `provider_name`, `model_provider_name`",
    ),
    "provider": (
        {"tool": 1, "scope": {"model_name": "m", "provider_name": 1}},
        "x[0].scope.provider_name: invalid type: integer `1`, expected a string",
    ),
}


@pytest.mark.parametrize(("tool", "text"), PROVIDER_TOOLS_REFUSED.values(), ids=PROVIDER_TOOLS_REFUSED)
def test_refused_provider_tools(tool, text):
    assert refusal(parse_provider_tools, tool) == text


FILTERS = [
    {},
    {"variant_name": "v"},
    {"model_name": "m"},
    {"model_name": "m", "provider_name": "p"},
    {"model_name": "m", "provider_name": None},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_changes_with_every_filter(filters):
    assert parse_extra_body([{"pointer": "/a", "value": None, **filters}, {"pointer": "", "delete": True}], "x") == [
        ExtraBody(pointer="/a", value=None, **filters),
        ExtraBody(pointer="", delete=True),
    ]
    assert parse_extra_headers([{"name": "a", "value": "b", **filters}, {"name": "c", "delete": True}], "x") == [
        ExtraHeader(name="a", value="b", **filters),
        ExtraHeader(name="c", delete=True),
    ]


def test_the_older_filter_does_not_filter():
    given = {"pointer": "/a", "value": 1, "model_provider_name": "tensorzero::model_name::m::provider_name::p"}
    assert parse_extra_body([given], "x") == [ExtraBody(pointer="/a", value=1)]


CHANGES_REFUSED = {
    "neither value nor delete": {},
    "both": {"value": "a", "delete": True},
    "delete false": {"delete": False},
    "delete null": {"delete": None},
    "unknown key": {"value": "a", "zz": 1},
    "variant and model": {"value": "a", "variant_name": "v", "model_name": "m"},
    "provider alone": {"value": "a", "provider_name": "p"},
    "variant null": {"value": "a", "variant_name": None},
    "model a number": {"value": "a", "model_name": 1},
    "provider a number": {"value": "a", "model_name": "m", "provider_name": 1},
}


@pytest.mark.parametrize("change", CHANGES_REFUSED.values(), ids=CHANGES_REFUSED)
def test_refused_changes(change):
    body = "x[0]: data did not match any variant of untagged enum ExtraBodyReplacementKind"
    header = "x[0]: data did not match any variant of untagged enum DynamicExtraHeader"
    assert refusal(parse_extra_body, {"pointer": "/a", **change}) == body
    assert refusal(parse_extra_headers, {"name": "a", **change}) == header


def test_changes_need_a_place():
    body = "x[0]: data did not match any variant of untagged enum ExtraBodyReplacementKind"
    assert refusal(parse_extra_body, {"value": 1}) == body
    assert (
        refusal(parse_extra_body, {"pointer": 1, "value": 1})
        == "x[0].pointer: invalid type: integer `1`, expected a string"
    )
    assert refusal(parse_extra_headers, {"name": "a", "value": 1}) == body.replace(
        "ExtraBodyReplacementKind", "DynamicExtraHeader"
    )
