"""Which handler answers which path and method."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec import Struct

from t0.errors import RequestError
from t0.routes import batches, native, objects, openai_face, operations
from t0.routes.embeddings import embeddings
from t0.routes.feedback import feedback
from t0.routes.http import EventStream, Response
from t0.routes.inference import chat_completions, inference

Handler = Callable[..., Awaitable[Response | EventStream]]
"""Called with the gateway, the request, and the values of the path's `{name}` segments."""
ErrorBody = Callable[[RequestError], dict[str, object]]


class Route(Struct, frozen=True):
    """A path's handlers by method. `error_body` is the shape of its errors."""

    methods: Mapping[str, Handler]
    error_body: ErrorBody = native.error_body

    @property
    def allow(self) -> bytes:
        """The value of `Allow`; GET routes answer HEAD as well."""
        return ",".join(f"{m},HEAD" if m == "GET" else m for m in self.methods).encode()

    def handler(self, method: str) -> Handler | None:
        return self.methods.get("GET" if method == "HEAD" else method)


def find_route(path: str) -> Route | None:
    """The route of a path. Values of `{name}` segments are bound to its handlers as arguments of that name."""
    return ROUTES.get(path) or _find_pattern(path)


def _find_pattern(path: str) -> Route | None:
    for pattern, route in _PATTERNS:
        if found := pattern.fullmatch(path):
            arguments = found.groupdict()
            return Route({m: partial(handler, **arguments) for m, handler in route.methods.items()}, route.error_body)
    return None


ROUTES: dict[str, Route] = {
    "/inference": Route({"POST": inference}),
    "/openai/v1/chat/completions": Route({"POST": chat_completions}, openai_face.error_body),
    "/openai/v1/embeddings": Route({"POST": embeddings}, openai_face.error_body),
    "/feedback": Route({"POST": feedback}),
    "/batch_inference": Route({"POST": batches.start_batch}),
    "/internal/object_storage": Route({"GET": objects.get_object}),
    "/health": Route({"GET": operations.health}),
    "/status": Route({"GET": operations.status}),
    "/metrics": Route({"GET": operations.metrics}),
}

PARAMETERIZED: dict[str, Route] = {
    "/batch_inference/{batch_id}": Route({"GET": batches.poll_batch}),
    "/batch_inference/{batch_id}/inference/{inference_id}": Route({"GET": batches.poll_batch}),
}
_PATTERNS = [(re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), route) for path, route in PARAMETERIZED.items()]
