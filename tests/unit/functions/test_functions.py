"""Functions built from a configuration: their input, their output, the tools they refuse."""

import json

import pytest

from kit import SMALL, chat, json_function, make, model, parsed, variant
from t0.errors import RequestError
from t0.functions.base import FunctionOutput, PreparedTools
from t0.types.content import JsonOutput, Text, Thought, ToolCall, Unknown

OBJECT = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FILES = {"object.json": json.dumps(OBJECT), "text.json": '{"type":"string","maxLength":2}', "t.j": "Hi {{ name }}"}
LEGACY = 'system_template = "legacy.j"\nuser_template = "legacy.j"\n'
NEW = 'templates.system.path = "t.j"\ntemplates.user.path = "t.j"\ntemplates.extra.path = "t.j"\n'
SCHEMAS = 'schemas.system.path = "object.json"\nschemas.user.path = "object.json"\nschemas.extra.path = "object.json"\n'
CONFIG = (
    model()
    + chat(variant("v", function="bare"), name="bare")
    + chat(variant("v", LEGACY, function="legacy"), name="legacy")
    + chat(variant("v", NEW, function="new"), variant("w", function="new"), name="new")
    + chat(variant("v", NEW, function="schemas"), name="schemas", keys=SCHEMAS)
    + chat(
        variant("v", 'templates.assistant.path = "static.j"', function="texts"),
        name="texts",
        keys='schemas.assistant.path = "text.json"',
    )
    + json_function()
    + json_function(
        variant("v", 'json_mode = "on"', function="typed"), name="typed", keys='output_schema = "object.json"'
    )
)
MORE_FILES = {**FILES, "legacy.j": "Hi", "static.j": "static"}


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    return make(tmp_path_factory.mktemp("functions"), CONFIG, files=MORE_FILES).gateway.functions


def user(*content):
    return {"messages": [{"role": "user", "content": "first"}, {"role": "user", "content": list(content)}]}


def assistant(*content):
    return {"messages": [{"role": "assistant", "content": list(content)}]}


ANN = {"name": "Ann"}
BOB = {"type": "text", "arguments": {"name": "Bob"}}
TEXT = {"type": "text", "text": "Hi"}
RAW = {"type": "raw_text", "value": "{{ anything }}"}
OTHERS = [
    RAW,
    {"type": "tool_call", "id": "1", "name": "t", "arguments": "{}"},
    {"type": "tool_result", "id": "1", "name": "t", "result": ""},
    {"type": "thought", "text": "hm"},
    {"type": "unknown", "data": 1},
]


def template(name, arguments=ANN):
    return {"type": "template", "name": name, "arguments": arguments}


TAKEN = {
    "bare, nothing": ("bare", {}),
    "bare, system": ("bare", {"system": "Be brief"}),
    "bare, text": ("bare", user(TEXT)),
    "bare, no content": ("bare", user()),
    "bare, others": ("bare", user(*OTHERS)),
    "legacy, text": ("legacy", {"system": "Be brief", **user(TEXT)}),
    "legacy, no system": ("legacy", user(TEXT)),
    "new, system object": ("new", {"system": {}}),
    "new, no system": ("new", {}),
    "new, arguments": ("new", user(BOB)),
    "new, unchecked": ("new", user(template("user", {}))),
    "new, named": ("new", user(template("extra"))),
    "new, role of another": ("new", assistant(template("user"))),
    "schemas, objects": ("schemas", {"system": ANN, "messages": [{"role": "user", "content": ANN}]}),
    "schemas, named": ("schemas", {"system": ANN, **assistant(template("extra"))}),
    "schemas, others": ("schemas", {"system": ANN, **assistant(*OTHERS)}),
    "texts, valid": ("texts", assistant({"type": "text", "text": "ab"})),
    "texts, other role": ("texts", user(TEXT)),
}


@pytest.mark.parametrize(("function", "input_"), TAKEN.values(), ids=TAKEN)
def test_inputs_that_are_taken(functions, function, input_):
    functions[function].check_input(parsed(input=input_).input)


NO_SYSTEM = "System message has non-string content but there is no template `system` in any variant"
SCHEMA = json.dumps(OBJECT, separators=(",", ":"))


def invalid(reason):
    return f"JSON Schema validation failed:\n{reason}\n\nSchema:\n{SCHEMA}"


def no_template(name, index=1):
    return f"Message at index {index} has non-string content but there is no template `{name}` in any variant"


REFUSED = {
    "bare, system object": ("bare", {"system": {}}, NO_SYSTEM),
    "bare, arguments": ("bare", user(BOB), no_template("user")),
    "bare, bare arguments": (
        "bare",
        {"messages": [{"role": "assistant", "content": ANN}]},
        no_template("assistant", 0),
    ),
    "bare, named": ("bare", user(template("zz")), no_template("zz")),
    "legacy, system object": ("legacy", {"system": {}}, NO_SYSTEM),
    "legacy, arguments": ("legacy", user(BOB), no_template("user")),
    "new, unknown": ("new", user(template("zz")), no_template("zz")),
    "new, other role": ("new", assistant(BOB), no_template("assistant", 0)),
    "schemas, no system": ("schemas", {}, "`input.system` is empty but a system template is present."),
    "schemas, system text": ("schemas", {"system": "Hi"}, invalid('"Hi" is not of type "object"')),
    "schemas, system": ("schemas", {"system": {}}, invalid('"name" is a required property')),
    "schemas, text": ("schemas", {"system": ANN, **user()}, invalid('"first" is not of type "object"')),
    "schemas, arguments": (
        "schemas",
        {"system": ANN, "messages": [{"role": "user", "content": {"name": 1}}]},
        invalid('1 is not of type "string"'),
    ),
    "schemas, named": (
        "schemas",
        {"system": ANN, **assistant(template("extra", {}))},
        invalid('"name" is a required property'),
    ),
    "texts, invalid": (
        "texts",
        assistant({"type": "text", "text": "abc"}),
        'JSON Schema validation failed:\n"abc" is longer than 2 characters\n\nSchema:\n{"type":"string","maxLength":2}',
    ),
}


@pytest.mark.parametrize(("function", "input_", "text"), REFUSED.values(), ids=REFUSED)
def test_inputs_that_are_refused(functions, function, input_, text):
    with pytest.raises(RequestError) as caught:
        functions[function].check_input(parsed(input=input_).input)
    assert (caught.value.status, caught.value.text) == (400, text)


# -- json functions ----------------------------------------------------------------------------------------------------

VALUES = {"allowed_tools": [], "additional_tools": [], "tool_choice": "none", "parallel_tool_calls": False}
ENDS = {"allowed_tools": ".", "additional_tools": ".", "tool_choice": "", "parallel_tool_calls": ""}


@pytest.mark.parametrize("field", VALUES)
def test_json_functions_take_no_tools(functions, field):
    with pytest.raises(RequestError) as caught:
        functions["j"].tools(parsed(**{field: VALUES[field]}))
    expected = f"Cannot pass `{field}` to a JSON function{ENDS[field]}"
    assert (caught.value.status, caught.value.text) == (400, expected)


def test_json_functions_ignore_provider_tools(functions):
    assert functions["j"].tools(parsed(provider_tools=[{"tool": 1}])) == PreparedTools()


@pytest.mark.parametrize("mode", ["off", "on", "strict", "tool", None])
def test_json_functions_go_with_every_mode(functions, mode):
    functions["j"].check_json_mode(parsed(params={"chat_completion": {"json_mode": mode}}))


OUTPUTS = {
    "text": ([Text('{"name":"a"}')], JsonOutput('{"name":"a"}', {"name": "a"}), []),
    "the last text": (
        [Thought("hm"), Text("no"), Text('{"name":"a"}'), Unknown(1)],
        JsonOutput('{"name":"a"}', {"name": "a"}),
        [Thought("hm"), Text("no"), Unknown(1)],
    ),
    "the last tool call": (
        [Text('{"name":"a"}'), ToolCall("1", "respond", '{"name":"b"}')],
        JsonOutput('{"name":"b"}', {"name": "b"}),
        [Text('{"name":"a"}')],
    ),
    "not the schema": ([Text("{}")], JsonOutput("{}", None), []),
    "not JSON": ([Text("Hello")], JsonOutput("Hello", None), []),
    "lone surrogate": ([Text('"\ud800"')], JsonOutput('"\ud800"', None), []),
    "no text": ([Thought("hm")], JsonOutput(None, None), [Thought("hm")]),
    "nothing": ([], JsonOutput(None, None), []),
}


@pytest.mark.parametrize(("blocks", "output", "auxiliary"), OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_of_json_functions(functions, blocks, output, auxiliary):
    found = functions["typed"].output(blocks, parsed(), PreparedTools())
    assert found == FunctionOutput(output=output, auxiliary=auxiliary)


def test_without_a_schema_any_json_will_do(functions):
    assert functions["j"].output([Text("[1]")], parsed(), PreparedTools()).output == JsonOutput("[1]", [1])
    assert functions["j"].output_schema(parsed()) == {}


def test_the_output_schema_is_the_requests_or_the_functions(functions):
    assert functions["typed"].output_schema(parsed()) == OBJECT
    assert functions["typed"].output_schema(parsed(output_schema={"type": "array"})) == {"type": "array"}
    assert functions["bare"].output_schema(parsed()) is None
    assert functions["bare"].output_schema(parsed(output_schema={})) == {}


def test_the_variant_by_name(functions):
    assert functions["new"].variant("w").name == "w"
    with pytest.raises(RequestError) as caught:
        functions["new"].variant("zz")
    assert (caught.value.status, caught.value.text) == (404, "Unknown variant: zz")


def test_a_function_is_known_by_its_name(tmp_path):
    gateway = make(tmp_path, SMALL).gateway
    assert gateway.function("f") is gateway.functions["f"]
