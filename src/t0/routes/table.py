"""Which handler answers which path and method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from t0.errors import RequestError
from t0.routes import native, objects, openai_face, operations
from t0.routes.feedback import feedback
from t0.routes.http import EventStream, Request, Response
from t0.routes.inference import chat_completions, inference

if TYPE_CHECKING:
    from t0.gateway import Gateway

Handler = Callable[["Gateway", Request], Awaitable[Response | EventStream]]
ErrorBody = Callable[[RequestError], dict[str, object]]


class Route(Struct, frozen=True):
    """A path's handlers by method. `error_body` is the shape of its errors."""

    methods: dict[str, Handler]
    error_body: ErrorBody = native.error_body

    @property
    def allow(self) -> bytes:
        """The value of `Allow`; GET routes answer HEAD as well."""
        return ",".join(f"{m},HEAD" if m == "GET" else m for m in self.methods).encode()

    def handler(self, method: str) -> Handler | None:
        return self.methods.get("GET" if method == "HEAD" else method)


ROUTES: dict[str, Route] = {
    "/inference": Route({"POST": inference}),
    "/openai/v1/chat/completions": Route({"POST": chat_completions}, openai_face.error_body),
    "/feedback": Route({"POST": feedback}),
    "/internal/object_storage": Route({"GET": objects.get_object}),
    "/health": Route({"GET": operations.health}),
    "/status": Route({"GET": operations.status}),
    "/metrics": Route({"GET": operations.metrics}),
}
