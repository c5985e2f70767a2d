"""`GET /health`, `/status` and `/metrics`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from t0.recorder.scrape import scrape
from t0.routes.http import Request, Response, json_response
from t0.version import VERSION

if TYPE_CHECKING:
    from t0.gateway import Gateway
    from t0.models.cache import InferenceCache
    from t0.storage.reader import Reader


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
    reader, cache = gateway.reader, gateway.cache
    stored, cached = await asyncio.gather(_is_healthy(reader), _is_healthy(cache))
    report = Health(
        clickhouse=_word(stored),
        valkey=_word(cached or cache is None or not cache.is_primary),
        valkey_cache=_word(cached),
    )
    return json_response(report, 200 if stored and cached else 503)


async def _is_healthy(store: Reader | InferenceCache | None) -> bool:
    return store is None or await store.is_healthy()


def _word(healthy: bool) -> str:
    return "ok" if healthy else "error"


async def metrics(gateway: Gateway, request: Request) -> Response:
    """Asks the recorder, which counts for all workers."""
    kind = b"text/plain; charset=utf-8"
    try:
        text = await scrape(gateway.data_dir)
    except OSError as e:
        return Response(status=503, content_type=kind, body=f"# the recorder does not answer: {e}\n".encode())
    return Response(content_type=kind, body=text)
