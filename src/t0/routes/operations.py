"""`GET /health`, `/status` and `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from t0.recorder.scrape import scrape
from t0.routes.http import Request, Response, json_response
from t0.version import VERSION

if TYPE_CHECKING:
    from t0.gateway import Gateway


class Status(Struct):
    status: str
    version: str
    config_hash: str


class Health(Struct):
    gateway: str = "ok"
    clickhouse: str = "ok"
    postgres: str = "ok"
    valkey: str = "ok"
    valkey_cache: str = "ok"


async def status(gateway: Gateway, request: Request) -> Response:
    return json_response(Status("ok", VERSION, gateway.snapshot_hash))


async def health(gateway: Gateway, request: Request) -> Response:
    """200 when every store in use answers, else 503; a store that is not in use counts as ok."""
    stored = gateway.reader is None or await gateway.reader.is_healthy()
    return json_response(Health(clickhouse="ok" if stored else "error"), 200 if stored else 503)


async def metrics(gateway: Gateway, request: Request) -> Response:
    """Asks the recorder, which counts for all workers."""
    kind = b"text/plain; charset=utf-8"
    try:
        text = await scrape(gateway.data_dir)
    except OSError as e:
        return Response(status=503, content_type=kind, body=f"# the recorder does not answer: {e}\n".encode())
    return Response(content_type=kind, body=text)
