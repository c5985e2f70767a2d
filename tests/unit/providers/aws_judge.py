"""botocore's own clients as judges: what they would send for the same call, and what they read in the same bytes."""

import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.model import StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI"}


class Raw(io.BytesIO):
    """A response body, as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.getvalue()


@dataclass
class Judged:
    request: AWSPreparedRequest
    result: dict[str, Any]


@functools.cache
def client(service: str, token: str | None = None) -> Any:
    return Session().create_client(service, region_name="eu-west-1", aws_session_token=token, **KEYS)


@functools.cache
def input_shape(service: str, operation: str) -> StructureShape:
    return Session().get_service_model(service).operation_model(operation).input_shape


def complaints(service: str, operation: str, params: dict[str, Any]) -> str:
    """What is wrong with a call's parameters; empty when nothing is."""
    return str(ParamValidator().validate(params, input_shape(service, operation)).generate_report())


def judge(
    service: str,
    operation: str,
    params: dict[str, Any],
    body: bytes = b"{}",
    content_type: str = "application/json",
    token: str | None = None,
) -> Judged:
    """Makes the call with botocore; nothing is sent, and `body` is what comes back."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {"content-type": content_type}, Raw(body))

    made = client(service, token)
    event = f"before-send.{service}.{operation}"
    made.meta.events.register(event, answer)
    try:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
        result = getattr(made, name)(**params)
    finally:
        made.meta.events.unregister(event, answer)
    return Judged(sent[0], result)
