"""Request headers that add to the exported trace: `tensorzero-otlp-traces-extra-…`.

They are checked whether traces are exported or not, so that a caller learns of a mistake wherever it is made.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct, field

from t0._core.http1 import has_prefixed_field
from t0.errors import InternalError, InvalidRequest
from t0.routes.http import Headers

_PREFIX = b"tensorzero-otlp-traces-extra-"
_HEADER, _RESOURCE, _ATTRIBUTE = (f"{_PREFIX.decode()}{kind}-" for kind in ("header", "resource", "attribute"))

_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")

_NOT_AN_ATTRIBUTE = {
    type(None): "Null is not a valid OpenTelemetry attribute value",
    int: "Numbers are not yet supported for OpenTelemetry attributes values",
    float: "Numbers are not yet supported for OpenTelemetry attributes values",
    list: "Arrays are not yet supported for OpenTelemetry attribute values",
    dict: "JSON objects are not valid OpenTelemetry attribute values",
}


class TraceExtras(Struct):
    """What a request adds to its trace: headers of the export, attributes of the resource, attributes of the spans."""

    headers: dict[str, str] = field(default_factory=dict)
    resource: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str | bool] = field(default_factory=dict)


def has_trace_extras(headers: Headers) -> bool:
    return has_prefixed_field(headers, _PREFIX)


def parse_trace_extras(headers: Headers) -> TraceExtras:
    """Raises `InvalidRequest`, and `InternalError` for a header that the export could not carry."""
    extras = TraceExtras()
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.startswith(_HEADER):
            _add_header(extras, name.removeprefix(_HEADER), value)
        elif name.startswith(_RESOURCE):
            _add_resource(extras, name.removeprefix(_RESOURCE), value)
        elif name.startswith(_ATTRIBUTE):
            extras.attributes[name.removeprefix(_ATTRIBUTE)] = _attribute(name.removeprefix(_ATTRIBUTE), raw_value)
    return extras


def _add_header(extras: TraceExtras, name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise InternalError(f"Failed to parse `{_HEADER}` header `{name}` as a header name")
    if not _VALUE.fullmatch(value):
        raise InternalError(f"Failed to parse `{_HEADER}` header `{name}` value as ASCII text")
    extras.headers[name] = value


def _add_resource(extras: TraceExtras, name: str, value: str) -> None:
    if not _VALUE.fullmatch(value):
        raise InvalidRequest(f"Failed to parse `{_RESOURCE}` header `{name}` value as ASCII text")
    extras.resource[name] = value


def _attribute(name: str, text: bytes) -> str | bool:
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise InvalidRequest(f"Failed to parse `{_ATTRIBUTE}` header `{name}` value as valid JSON: {e}") from e
    if isinstance(value, (str, bool)):
        return value
    reason = _NOT_AN_ATTRIBUTE[type(value)]
    failure = f"Failed to convert `{_ATTRIBUTE}` header `{name}` value to OpenTelemetry attribute value"
    raise InvalidRequest(f"{failure}: {reason}")
