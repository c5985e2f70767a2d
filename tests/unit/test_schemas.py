import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from t0 import schemas
from t0.errors import ConfigError, DynamicJsonSchema, JsonSchemaValidation
from t0.schemas import CompiledSchema, compile_schema, dynamic_schema, parse_schema

DRAFT_7 = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "e": {"type": "string", "format": "email"},
        "n": {"type": "integer", "maximum": 10},
        "k": {"$ref": "#/definitions/k"},
    },
    "required": ["e", "n"],
    "additionalProperties": False,
    "definitions": {"k": {"enum": ["a", "b"]}},
}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "object"}, "hi", '"hi" is not of type "object"'),
        ({"type": "string"}, {"x": 1}, '{"x":1} is not of type "string"'),
        (DRAFT_7, {}, '"e" is a required property'),
        (DRAFT_7, {"e": "a@b.de", "n": 11}, "11 is greater than the maximum of 10"),
        (DRAFT_7, {"e": "a@b.de", "n": 4.5}, '4.5 is not of type "integer"'),
        (DRAFT_7, {"e": "x", "n": 1, "k": "z"}, '"x" is not a "email"'),
        (DRAFT_7, {"e": "a@b.de", "n": 1, "k": "z"}, '"z" is not one of "a" or "b"'),
        (DRAFT_7, {"e": "a@b.de", "n": 1, "z": 1}, "Additional properties are not allowed ('z' was unexpected)"),
        ({"pattern": "^[a-z]+$"}, "ABC", '"ABC" does not match "^[a-z]+$"'),
        ({"properties": {"a": {"type": "null"}, "b": {"type": "null"}}}, {"b": 1, "a": 1}, '1 is not of type "null"'),
        (False, None, "False schema does not allow null"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_reference_s_words(schema, value, message):
    compiled = compile_schema(schema, source="s.json")
    with pytest.raises(JsonSchemaValidation) as caught:
        compiled.validate(value)
    text = json.dumps(schema, separators=(",", ":"))
    assert caught.value.text == f"JSON Schema validation failed:\n{message}\n\nSchema:\n{text}"
    assert caught.value.fields == {"messages": [message], "data": value, "schema": text}
    assert not compiled.is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, None),
        (True, [1]),
        (DRAFT_7, {"e": "a@b.de", "n": 5.0, "k": "b"}),
        ({"type": "string", "format": "email"}, "no format without a draft that asserts it"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "format": "email"}, "x"),
        ({"prefixItems": [{"type": "string"}]}, ["a", 1]),
        ({"type": "array", "items": {"$ref": "#"}}, [[[]]]),
    ],
)
def test_valid_values(schema, value):
    compiled = compile_schema(schema, source="s.json")
    compiled.validate(value)
    assert compiled.is_valid(value)


def test_the_text_is_compact_and_keeps_the_order_of_keys():
    compiled = parse_schema('{ "b": 1,\n "a": {"é": [1.0, 1]} }', source="s.json")
    assert compiled.text == '{"b":1,"a":{"é":[1.0,1]}}'
    assert compiled.value == {"b": 1, "a": {"é": [1.0, 1]}}
    assert compiled == CompiledSchema({"b": 1, "a": {"é": [1.0, 1]}})
    assert compiled != CompiledSchema({"a": {"é": [1.0, 1]}, "b": 1})
    assert repr(compiled) == 'CompiledSchema({"b":1,"a":{"é":[1.0,1]}})'


@pytest.mark.parametrize("text", ["{not json", b"\xff", "", "{} {}"])
def test_a_file_that_is_not_json(text):
    with pytest.raises(ConfigError, match=r"^Failed to parse JSON Schema `bad\.json`: "):
        parse_schema(text, source="bad.json")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "nonsense"}, "\"nonsense\" is not valid under any of the schemas listed in the 'anyOf' keyword"),
        ({"minLength": -1}, "-1 is less than the minimum of 0"),
        ({"pattern": "("}, '"(" is not a "regex"'),
        ({"$ref": "#/definitions/no"}, "Pointer '/definitions/no' does not exist"),
        ([1], '[1] is not of types "boolean", "object"'),
        ("x", '"x" is not of types "boolean", "object"'),
    ],
)  # fmt: skip
def test_what_is_not_a_schema(schema, reason):
    with pytest.raises(ConfigError) as config:
        compile_schema(schema, source="bad.json")
    assert str(config.value) == f"Failed to compile JSON Schema `bad.json`: {reason}"
    with pytest.raises(DynamicJsonSchema) as dynamic:
        dynamic_schema(schema)
    assert dynamic.value.text == f"Error in compiling client-provided JSON schema: {reason}"
    assert dynamic.value.status == 400


def test_nothing_is_fetched(tmp_path):
    file = tmp_path / "s.json"
    file.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(0.3)
        attempt = pool.submit(server.accept)
        remote = f"http://127.0.0.1:{server.getsockname()[1]}/s.json"
        for schema in (
            {"$ref": remote},
            {"$schema": remote},
            {"$id": remote, "$ref": "t.json"},
            {"$ref": file.as_uri()},
        ):
            with pytest.raises(DynamicJsonSchema):
                dynamic_schema(schema)
            with pytest.raises(ConfigError):
                compile_schema(schema, source="s.json")
        assert isinstance(attempt.exception(), TimeoutError)


def test_equal_dynamic_schemas_are_compiled_once():
    first = dynamic_schema({"type": "string", "title": "once"})
    assert dynamic_schema({"type": "string", "title": "once"}) is first
    assert dynamic_schema({"title": "once", "type": "string"}) is not first


def test_the_cache_of_dynamic_schemas_is_bounded_by_bytes(monkeypatch):
    size = len(CompiledSchema({"title": "0"}).text)
    monkeypatch.setattr(schemas, "_dynamic", schemas._new_cache(2 * size))
    first = dynamic_schema({"title": "0"})
    second = dynamic_schema({"title": "1"})
    assert dynamic_schema({"title": "0"}) is first
    dynamic_schema({"title": "2"})
    assert dynamic_schema({"title": "0"}) is first
    assert dynamic_schema({"title": "1"}) is not second
    large = dynamic_schema({"title": "x" * 100})
    assert dynamic_schema({"title": "x" * 100}) is not large
