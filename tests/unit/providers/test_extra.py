"""`extra_body` and `extra_headers`: pointers, order, filters."""

from typing import Any

import pytest

from t0.errors import ExtraBodyReplacement, InvalidRequest
from t0.providers.extra import applicable, apply_body, apply_headers
from t0.types.extra import ExtraBody, ExtraHeader
from unit.providers.vendors import VENDORS

OPENAI = VENDORS[0]


def changed(body: Any, *entries: ExtraBody) -> Any:
    apply_body(body, entries)
    return body


def set_to(pointer: str, value: Any) -> ExtraBody:
    return ExtraBody(pointer, value)


def delete(pointer: str) -> ExtraBody:
    return ExtraBody(pointer, delete=True)


@pytest.mark.parametrize(
    ("body", "entry", "result"),
    [
        pytest.param({}, set_to("/a", 1), {"a": 1}, id="new key"),
        pytest.param({"a": 0}, set_to("/a", None), {"a": None}, id="replaced by null"),
        pytest.param({}, set_to("/a/b/c", 1), {"a": {"b": {"c": 1}}}, id="missing parents"),
        pytest.param({"a": [1, 2]}, set_to("/a/1", 3), {"a": [1, 3]}, id="array index"),
        pytest.param({"a": [1]}, set_to("/a/-", 2), {"a": [1, 2]}, id="append"),
        pytest.param({"a": {}}, set_to("/a/-", 2), {"a": {"-": 2}}, id="dash is a key of an object"),
        pytest.param({"a": [{"b": 1}]}, set_to("/a/0/c", 2), {"a": [{"b": 1, "c": 2}]}, id="through an array"),
        pytest.param({}, set_to("/a~1b~0c", 1), {"a/b~c": 1}, id="escapes"),
        pytest.param({}, set_to("/a/01", 1), {"a": {"01": 1}}, id="leading zero is a key"),
        pytest.param({"a": {"0": 1}}, set_to("/a/0", 2), {"a": {"0": 2}}, id="numeric key that is there"),
        pytest.param({"a": 1, "b": 2}, delete("/a"), {"b": 2}, id="delete key"),
        pytest.param({"a": [1, 2, 3]}, delete("/a/0"), {"a": [2, 3]}, id="delete shifts"),
        pytest.param({"a": 1}, delete("/x/y/z"), {"a": 1}, id="delete what is not there"),
        pytest.param({"a": [1]}, delete("/a/7"), {"a": [1]}, id="delete beyond the end"),
    ],
)
def test_pointers(body: Any, entry: ExtraBody, result: Any) -> None:
    assert changed(body, entry) == result


@pytest.mark.parametrize(
    ("body", "entry", "message"),
    [
        ({}, set_to("", 1), "Pointer cannot be empty"),
        ({}, set_to("a", 1), "Pointer must start with '/'"),
        ({}, set_to("/a/", 1), "Pointer cannot end with '/'"),
        ({"a": [1]}, set_to("/a/1", 1), "Could not find array index 1 in target array (len 1)"),
        ({"a": [1]}, set_to("/a/01", 1), "Could not find array index 01 in target array (len 1)"),
        ({"a": [1]}, set_to("/a/x/b", 1), "Could not find array index x in target array (len 1)"),
        ({"a": [1]}, set_to("/a/-/b", 1), "Array append operator `-` can only be used at the end of a pointer"),
        ({"a": "s"}, set_to("/a/b", 1), 'Can only index into object or array - found target "s"'),
        ({"a": None}, set_to("/a/b/c", 1), "Can only index into object or array - found target null"),
        ({}, set_to("/0", 1), "TensorZero doesn't support pointing an index (0) if its container doesn't exist."),
        ({}, set_to("/a/0/b", 1), "TensorZero doesn't support pointing an index (0) if its container doesn't exist."),
        ({"a": [1]}, delete("/a/-"), "Cannot delete using array append operator `-`"),
        ([], set_to("/a", 1), "Body is not a map"),
    ],
)
def test_pointers_that_lead_nowhere(body: Any, entry: ExtraBody, message: str) -> None:
    with pytest.raises(ExtraBodyReplacement) as error:
        changed(body, entry)
    assert error.value.text == f"Error replacing extra body: `{message}` with pointer: `{entry.pointer}`"
    assert error.value.status == 400


def test_values_shared_between_requests_stay_as_they_are() -> None:
    schema = {"type": "object", "properties": {"a": {}}}
    value = {"inner": [1]}
    body = {"tools": [{"parameters": schema}]}
    apply_body(body, [set_to("/tools/0/parameters/properties/b", {}), set_to("/v", value), set_to("/v/inner/-", 2)])
    assert body == {
        "tools": [{"parameters": {"type": "object", "properties": {"a": {}, "b": {}}}}],
        "v": {"inner": [1, 2]},
    }
    assert (schema, value) == ({"type": "object", "properties": {"a": {}}}, {"inner": [1]})


def test_variant_then_provider_then_request() -> None:
    provider = OPENAI.provider(
        extra_body=[{"pointer": "/a", "value": "provider"}, {"pointer": "/b", "value": "provider"}],
        extra_headers=[{"name": "x-a", "value": "provider"}, {"name": "x-b", "value": "provider"}],
    )
    call = OPENAI.call(
        variant_extra_body=[set_to("/a", "variant"), set_to("/b", "variant"), set_to("/c", "variant")],
        extra_body=[set_to("/b", "request")],
        variant_extra_headers=[ExtraHeader("x-a", "variant"), ExtraHeader("x-c", "variant")],
        extra_headers=[ExtraHeader("x-b", "request")],
    )
    request = provider.request(call, {})
    assert b'"a":"provider","b":"request","c":"variant"' in request.body.replace(b"\n", b"")
    extra = {k: v for k, v in request.headers if k.startswith("x-")}
    assert extra == {"x-a": "provider", "x-b": "request", "x-c": "variant"}


@pytest.mark.parametrize(
    ("entry", "applies"),
    [
        (ExtraBody("/a", 1), True),
        (ExtraBody("/a", 1, model_name="m"), True),
        (ExtraBody("/a", 1, model_name="m", provider_name="p"), True),
        (ExtraBody("/a", 1, model_name="m", provider_name="q"), False),
        (ExtraBody("/a", 1, model_name="other", provider_name="p"), False),
    ],
    ids=["all", "model", "model and provider", "other provider", "other model"],
)
def test_filters(entry: ExtraBody, applies: bool) -> None:
    assert applicable([entry], OPENAI.call(), "p") == ([entry] if applies else [])


HEADERS = (("authorization", "Bearer k"), ("accept", "*/*"))


@pytest.mark.parametrize(
    ("entries", "result"),
    [
        pytest.param([ExtraHeader("X-New", "1")], (*HEADERS, ("x-new", "1")), id="added in lower case"),
        pytest.param([ExtraHeader("Authorization", "mine")], (HEADERS[1], ("authorization", "mine")), id="replaced"),
        pytest.param([ExtraHeader("accept", delete=True)], HEADERS, id="built-in headers stay"),
        pytest.param(
            [ExtraHeader("x-a", "1"), ExtraHeader("X-A", delete=True)], HEADERS, id="earlier entry taken back"
        ),
    ],
)
def test_headers(entries: list[ExtraHeader], result: Any) -> None:
    assert apply_headers(HEADERS, entries) == result


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ExtraHeader("bad name", "1"), "Invalid header name `bad name`: invalid HTTP header name"),
        (ExtraHeader("", "1"), "Invalid header name ``: invalid HTTP header name"),
        (ExtraHeader("x", "a\r\nb: c"), "Invalid header value `a\r\nb: c`: failed to parse header value"),
    ],
)
def test_headers_that_are_none(entry: ExtraHeader, message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        apply_headers(HEADERS, [entry])
    assert error.value.text == message
