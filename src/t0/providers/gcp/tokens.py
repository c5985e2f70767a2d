"""Tokens that expire: one for all who need it, renewed before its end by one fetch at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from t0.providers.gcp.errors import GCPCredentialsError
from t0.upstream.base import Transport

_log = logging.getLogger("t0")

RENEWED_S = 300.0
"""The rest of a token's life in which it is renewed."""
SPENT_S = 10.0
"""The rest of a token's life in which it is no longer sent."""
PAUSE_S = 30.0
"""Between two tries to renew a token that may still be sent."""


class Token(Struct, frozen=True):
    """`expires_at` is in seconds since the epoch; `quota_project` is the project that pays for the calls, if named."""

    value: str
    expires_at: float
    quota_project: str | None = None

    def __repr__(self) -> str:
        return f"Token(•••, {self.expires_at}, {self.quota_project!r})"


class SharedToken:
    """Requests wait for a fetch only when there is no token that may be sent; a failed one then fails them all.

    A failed fetch leaves a token that may still be sent in its place. Belongs to the event loop of its first use.
    """

    def __init__(self, fetch: Callable[[Transport], Awaitable[Token]], clock: Callable[[], float] = time.time) -> None:
        self._fetch, self._clock = fetch, clock
        self.token: Token | None = None
        self._renewal: asyncio.Task[str | None] | None = None
        self._tries_again_at = 0.0

    async def ensure(self, transport: Transport) -> None:
        """Sees to it that `token` may be sent. Raises `GCPCredentialsError`."""
        now = self._clock()
        left_s = self.token.expires_at - now if self.token is not None else 0.0
        usable = left_s > SPENT_S
        if left_s > RENEWED_S or (usable and now < self._tries_again_at):
            return
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(transport))
        if usable:
            return
        # Shielded: one request that gives up must not take the token from the others.
        error = await asyncio.shield(self._renewal)
        if error is not None:
            raise GCPCredentialsError(error)

    async def _renew(self, transport: Transport) -> str | None:
        """What went wrong, or None."""
        try:
            self.token = await self._fetch(transport)
        except GCPCredentialsError as e:
            _log.warning("%s", e.text)
            return str(e.fields["message"])
        finally:
            self._tries_again_at = self._clock() + PAUSE_S
        return None
