"""Which tools a request offers, and whether a tool call fits them."""

import pytest

from t0.errors import DuplicateTool, RequestError, ToolNotFound
from t0.functions.base import PreparedTools
from t0.functions.tools import StaticTool, ToolBox, judge, usable_schema
from t0.schemas import CompiledSchema
from t0.types.content import ToolCall, ToolCallOutput
from t0.types.inference import DynamicTools
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, SpecificTool, ToolConfig

OBJECT = {"type": "object", "required": ["a"]}


def static(name, strict=False):
    return StaticTool(FunctionTool("d", OBJECT, name, strict), CompiledSchema(OBJECT))


CONFIGURED = {"one": static("one"), "two": static("shown_two"), "three": static("three")}
ONE, TWO, THREE = (CONFIGURED[key].tool for key in CONFIGURED)
ADDED = FunctionTool("e", {}, "added")
CUSTOM = CustomTool("custom")
PROVIDED = ProviderTool(None, {"type": "web"})


def box(*names, choice="auto", parallel=None):
    return ToolBox(CONFIGURED, list(names), choice, parallel)


def config(tools=(), customs=(), provided=(), choice="auto", parallel=None, allowed=None):
    return ToolConfig(list(tools), list(customs), list(provided), choice, parallel, allowed)


def prepared(static_names, **fields):
    return PreparedTools(config(**fields), static_names)


PREPARED = {
    "none": (box(), {}, PreparedTools()),
    "own": (box("one", "two"), {}, prepared(("one", "shown_two"), tools=[ONE, TWO])),
    "listed twice": (box("one", "one"), {}, prepared(("one",), tools=[ONE])),
    "own settings": (
        box("one", choice="required", parallel=True),
        {},
        prepared(("one",), tools=[ONE], choice="required", parallel=True),
    ),
    "settings of the request": (
        box("one", choice="required", parallel=True),
        {"choice": "none", "parallel_tool_calls": False},
        prepared(("one",), tools=[ONE], choice="none", parallel=False),
    ),
    "additional": (box("one"), {"additional": [ADDED]}, prepared(("one",), tools=[ONE, ADDED])),
    "additional alone": (box(), {"additional": [ADDED]}, prepared((), tools=[ADDED])),
    "custom": (box(), {"custom": [CUSTOM]}, prepared((), customs=[CUSTOM])),
    "provider tools": (box(), {"provider_tools": [PROVIDED]}, prepared((), provided=[PROVIDED])),
    "no tool, so no choice": (box(choice="required"), {"choice": "auto", "parallel_tool_calls": True}, PreparedTools()),
    "allowed": (
        box("one", "two"),
        {"allowed": ["two"]},
        prepared(("one", "shown_two"), tools=[ONE, TWO], allowed=["shown_two"]),
    ),
    "none allowed": (box("one"), {"allowed": []}, prepared(("one",), tools=[ONE], allowed=[])),
    "allowed by configuration": (
        box("one"),
        {"allowed": ["three", "one"]},
        prepared(("one", "three"), tools=[ONE, THREE], allowed=["three", "one"]),
    ),
    "allowed additional": (
        box("one"),
        {"allowed": ["added", "custom"], "additional": [ADDED], "custom": [CUSTOM]},
        prepared(("one",), tools=[ONE, ADDED], customs=[CUSTOM], allowed=["added", "custom"]),
    ),
    "specific": (
        box("two"),
        {"choice": SpecificTool("shown_two")},
        prepared(("shown_two",), tools=[TWO], choice=SpecificTool("shown_two")),
    ),
    "specific additional": (
        box(),
        {"choice": SpecificTool("added"), "additional": [ADDED]},
        prepared((), tools=[ADDED], choice=SpecificTool("added")),
    ),
}


@pytest.mark.parametrize(("tools", "dynamic", "expected"), PREPARED.values(), ids=PREPARED)
def test_the_tools_of_a_request(tools, dynamic, expected):
    assert tools.prepare(DynamicTools(**dynamic)) == expected


REFUSED = {
    "allowed unknown": (box("one"), {"allowed": ["zz"]}, ToolNotFound("zz")),
    "allowed by its display name": (box("two"), {"allowed": ["shown_two"]}, ToolNotFound("shown_two")),
    "specific unknown": (box("one"), {"choice": SpecificTool("zz")}, ToolNotFound("zz")),
    "specific by its key": (box("two"), {"choice": SpecificTool("two")}, ToolNotFound("two")),
    "specific without tools": (box(), {"choice": SpecificTool("one")}, ToolNotFound("one")),
    "twice additional": (box(), {"additional": [ADDED, ADDED]}, DuplicateTool("added")),
    "additional like an own one": (
        box("one"),
        {"additional": [FunctionTool("", {}, "one")]},
        DuplicateTool("one"),
    ),
    "custom like an additional one": (
        box(),
        {"additional": [ADDED], "custom": [CustomTool("added")]},
        DuplicateTool("added"),
    ),
}


@pytest.mark.parametrize(("tools", "dynamic", "error"), REFUSED.values(), ids=REFUSED)
def test_refused_tools(tools, dynamic, error):
    with pytest.raises(RequestError) as caught:
        tools.prepare(DynamicTools(**dynamic))
    assert (type(caught.value), caught.value.status, caught.value.text) == (type(error), 400, error.text)


def test_texts_of_refused_tools():
    assert ToolNotFound("t").text == "Tool not found: t"
    assert DuplicateTool("t").text == "Duplicate tool name: t. Tool names must be unique."


# -- calls -------------------------------------------------------------------------------------------------------------

INVALID = FunctionTool("", {"type": "zz"}, "invalid")
BOX = box("one")
OFFERED = BOX.prepare(DynamicTools(additional=[ADDED, INVALID], custom=[CUSTOM]))

JUDGED = {
    "fits": ("one", '{"a":1}', "one", {"a": 1}),
    "a key is missing": ("one", "{}", "one", None),
    "not JSON": ("one", "{", "one", None),
    "empty": ("one", "", "one", None),
    "lone surrogate": ("one", '{"a":"\ud800"}', "one", None),
    "additional": ("added", "[1]", "added", [1]),
    "no valid schema": ("invalid", "{}", "invalid", None),
    "custom": ("custom", "{}", "custom", None),
    "not offered": ("three", '{"a":1}', None, None),
    "invented": ("zz", "{}", None, None),
}


@pytest.mark.parametrize(("name", "arguments", "judged_name", "judged"), JUDGED.values(), ids=JUDGED)
def test_calls_are_judged(name, arguments, judged_name, judged):
    call = judge(ToolCall("1", name, arguments), OFFERED, BOX)
    assert call == ToolCallOutput("1", name, arguments, judged_name, judged)


def test_a_call_without_any_tools():
    call = judge(ToolCall("1", "one", "{}"), PreparedTools(), BOX)
    assert call == ToolCallOutput("1", "one", "{}", None, None)


@pytest.mark.parametrize("schema", [{"type": "zz"}, 5, "x", {"$ref": "http://a.test/x"}], ids=str)
def test_what_is_no_schema_is_none(schema):
    assert usable_schema(schema) is None
