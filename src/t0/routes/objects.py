"""`GET /internal/object_storage`: a stored file, by its storage path."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from t0.errors import InvalidRequest
from t0.routes.http import Request, Response, json_response
from t0.types.content import StoragePath

if TYPE_CHECKING:
    from t0.gateway import Gateway


async def get_object(gateway: Gateway, request: Request) -> Response:
    """The file as base64, and whether it came from the configured store. Raises as `Files.read`."""
    body, reused = await gateway.files.read(_storage_path(request.query))
    return json_response({"data": base64.b64encode(body).decode(), "reused_object_store": reused})


def _storage_path(query: bytes) -> StoragePath:
    given = parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True).get("storage_path")
    if given is None:
        raise InvalidRequest("Failed to deserialize query string: missing field `storage_path`")
    try:
        return msgspec.json.decode(given[0], type=StoragePath)
    except msgspec.DecodeError as e:
        raise InvalidRequest(f"Error parsing storage path: {e}") from e
