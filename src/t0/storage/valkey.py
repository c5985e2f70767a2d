"""The one way to Valkey or Redis. The client package comes with the extra `valkey` and is loaded when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from t0.errors import ConfigError, StorageUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 1.0
_ANSWER_TIMEOUT_S = 2.0
_HEALTH_TIMEOUT_S = 1.0
_SCHEMES = {"valkey://": "redis://", "valkeys://": "rediss://"}


class Valkey:
    """One server, for one event loop. Connections are opened when needed, and anew after a failure.

    Methods raise `StorageUnavailable`, whose text never shows the URL, since that may hold a password.
    """

    def __init__(self, url: str) -> None:
        """Raises `ConfigError` for a bad URL, and when the extra is not installed."""
        self._client = _client(url)

    async def get(self, key: str) -> bytes | None:
        # The client could also be set to decode its answers; ours is not.
        return await self._run(cast("Awaitable[bytes | None]", self._client.get(key)))

    async def put(self, values: Mapping[str, bytes], ttl_s: int) -> None:
        """Sets all keys, each to be forgotten after `ttl_s` seconds."""
        pipeline = self._client.pipeline(transaction=False)
        for key, value in values.items():
            pipeline.set(key, value, ex=ttl_s)
        await self._run(pipeline.execute())

    async def ping(self) -> None:
        await self._run(self._client.ping())

    async def is_healthy(self) -> bool:
        try:
            async with asyncio.timeout(_HEALTH_TIMEOUT_S):
                await self.ping()
        except (StorageUnavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        await self._client.aclose()

    async def _run(self, call: Awaitable[T]) -> T:
        from redis.exceptions import RedisError

        try:
            return await call
        except (RedisError, OSError, TimeoutError) as e:
            reason = f"{type(e).__name__}: {e}" if str(e) else type(e).__name__
            raise ValkeyUnavailable(f"Error connecting to Valkey: {reason}", message=reason) from e


class ValkeyUnavailable(StorageUnavailable):
    """Valkey could not be reached, or refused."""

    kind = "ValkeyConnection"


async def check_valkey(url: str, variable: str) -> None:
    """Raises `ConfigError` unless the server behind the URL of that environment variable answers."""
    valkey = Valkey(url)
    try:
        await valkey.ping()
    except StorageUnavailable as e:
        raise ConfigError(e.text, key=variable) from e
    finally:
        await valkey.close()


def _client(url: str) -> Redis:
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise ConfigError("Valkey needs the extra `valkey`: `pip install 't0-gateway[valkey]'`") from None
    for scheme, known in _SCHEMES.items():
        if url.startswith(scheme):
            url = known + url.removeprefix(scheme)
    settings: dict[str, Any] = {
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": _ANSWER_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 1),  # a connection kept open may have been closed by the server meanwhile
    }
    try:
        return Redis.from_url(url, **settings)
    except ValueError:
        raise ConfigError("Invalid Valkey URL: it must look like `redis://user:password@host:6379/0`") from None
