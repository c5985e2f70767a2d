"""Request headers that add to the exported trace are checked on every route, in the shape of its errors."""

from pathlib import Path
from typing import Any

import pytest

from kit import make, run
from t0.errors import InternalError, InvalidRequest, RequestError
from t0.routes.trace_headers import TraceExtras, has_trace_extras, parse_trace_extras

P = "tensorzero-otlp-traces-extra-"
NUMBERS = "Numbers are not yet supported for OpenTelemetry attributes values"
CONVERT = f"Failed to convert `{P}attribute-` header `x` value to OpenTelemetry attribute value: "


def headers(**values: str) -> list[tuple[bytes, bytes]]:
    return [(f"{P}{k.replace('_', '-')}".encode(), v.encode("latin-1")) for k, v in values.items()]


def test_what_is_read() -> None:
    given = [
        (b"host", b"x"),
        (b"traceparent", b"00-1-2-03"),
        *headers(
            header_authorization="Bearer k",
            header_x_team="red",
            resource_service_name="shop",
            attribute_user='"é \\u00e9"'.encode().decode("latin-1"),
            attribute_beta="true",
        ),
    ]
    assert has_trace_extras(given)
    assert parse_trace_extras(given) == TraceExtras(
        headers={"authorization": "Bearer k", "x-team": "red"},
        resource={"service-name": "shop"},
        attributes={"user": "é é", "beta": True},
    )


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "t",
        "traceparent",
        "tensorzero-other",
        "tensorzero-otlp-traces",
        "x-tensorzero-otlp-traces-extra-header-a",
    ],
)
def test_other_headers_are_not_looked_at(name: str) -> None:
    assert not has_trace_extras([(name.encode(), b"\xff")])


@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        ("attribute-x", "plain", InvalidRequest, f"Failed to parse `{P}attribute-` header `x` value as valid JSON: "),
        ("attribute-x", "", InvalidRequest, f"Failed to parse `{P}attribute-` header `x` value as valid JSON: "),
        ("attribute-x", '"\xff"', InvalidRequest, f"Failed to parse `{P}attribute-` header `x` value as valid JSON: "),
        *(
            ("attribute-x", value, InvalidRequest, f"{CONVERT}{why}")
            for value, why in {
                "1": NUMBERS,
                "1.5": NUMBERS,
                "1" * 40: NUMBERS,
                "null": "Null is not a valid OpenTelemetry attribute value",
                "[]": "Arrays are not yet supported for OpenTelemetry attribute values",
                "{}": "JSON objects are not valid OpenTelemetry attribute values",
            }.items()
        ),
        ("resource-x", "\xe9", InvalidRequest, f"Failed to parse `{P}resource-` header `x` value as ASCII text"),
        (
            "header-x",
            "\xe9",
            InternalError,
            f"Internal error: Failed to parse `{P}header-` header `x` value as ASCII text",
        ),
        ("header-", "v", InternalError, f"Internal error: Failed to parse `{P}header-` header `` as a header name"),
        (
            "header-a b",
            "v",
            InternalError,
            f"Internal error: Failed to parse `{P}header-` header `a b` as a header name",
        ),
    ],
)
def test_what_is_refused(name: str, value: str, kind: type[RequestError], text: str) -> None:
    with pytest.raises(kind) as caught:
        parse_trace_extras([(f"{P}{name}".encode(), value.encode("latin-1"))])
    assert caught.value.text.startswith(text)


@pytest.mark.parametrize(
    ("method", "path", "shape"),
    [
        ("POST", "/inference", lambda text: {"error": text}),
        ("POST", "/feedback", lambda text: {"error": text}),
        ("POST", "/batch_inference", lambda text: {"error": text}),
        ("GET", "/status", lambda text: {"error": text}),
        ("GET", "/health", lambda text: {"error": text}),
        ("POST", "/openai/v1/chat/completions", None),
        ("POST", "/openai/v1/embeddings", None),
    ],
    ids=lambda v: v if isinstance(v, str) and v.startswith("/") else "",
)
def test_every_route_checks_them_before_anything_else(tmp_path: Path, method: str, path: str, shape: Any) -> None:
    """The body, which no route could read, is not looked at."""
    text = CONVERT + NUMBERS

    async def ask() -> Any:
        return await make(tmp_path).call(path, b"{", method, headers=[(f"{P}attribute-x", "1")])

    answer = run(ask())
    assert answer.status == 400
    if shape is not None:
        assert answer.json() == shape(text)
    else:
        assert text in answer.body.decode()


def test_good_ones_change_nothing(tmp_path: Path) -> None:
    async def ask() -> Any:
        given = [(f"{P}attribute-x", '"y"'), (f"{P}resource-x", "y"), (f"{P}header-x", "y")]
        return await make(tmp_path).call("/status", None, "GET", headers=given)

    assert run(ask()).status == 200
