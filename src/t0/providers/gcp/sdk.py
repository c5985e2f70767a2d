"""The parts of Google's SDK that t0 leaves to google-auth: signatures, and the search for default credentials.

Importing this module imports google-auth, which is slow: only what is configured to need it does so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from t0.errors import ConfigError, UpstreamError
from t0.providers.gcp.errors import GCPCredentialsError
from t0.providers.gcp.tokens import Token
from t0.upstream.base import HttpRequest, Transport, Url

try:
    import google.auth
    from google.auth import jwt
    from google.auth.crypt import RSASigner
    from google.auth.exceptions import GoogleAuthError, TransportError
except ImportError as e:
    raise ConfigError(
        "`credential_location` needs google-auth here: `pip install 't0-gateway[gcp]'`, or give each request a token "
        "(`dynamic::KEY`)"
    ) from e

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TIMEOUT_S = 60.0
"""Of one request, where google-auth sets none."""
UNKNOWN_LIFETIME_S = 3600.0


def make_signer(private_key: str, key_id: str) -> Callable[[Mapping[str, Any]], str]:
    """Turns claims into signed JSON web tokens (RS256). Raises `ValueError` for what is not an RSA key in PEM form."""
    signer = RSASigner.from_string(private_key, key_id)

    def sign(claims: Mapping[str, Any]) -> str:
        token: bytes = jwt.encode(signer, dict(claims))
        return token.decode()

    return sign


class DefaultCredentials:
    """Application Default Credentials: a key file, gcloud's login, workload identity, or the metadata server."""

    def __init__(self) -> None:
        self._found: Any = None

    async def fetch(self, transport: Transport) -> Token:
        """A new token; what has to be asked is asked through `transport`. Raises `GCPCredentialsError`."""
        # google-auth blocks, so it gets a thread; its requests come back to this loop.
        send = Sender(transport, asyncio.get_running_loop())
        return await asyncio.to_thread(self._fetch, send)

    def _fetch(self, send: Sender) -> Token:
        try:
            if self._found is None:
                self._found, _ = google.auth.default(scopes=SCOPES, request=send)
            self._found.refresh(send)
        except (GoogleAuthError, ValueError, OSError) as e:
            raise GCPCredentialsError(str(e.args[0] if e.args else e)) from e
        expiry = self._found.expiry
        expires_at = time.time() + UNKNOWN_LIFETIME_S
        if expiry is not None:
            expires_at = expiry.replace(tzinfo=UTC).timestamp()
        return Token(self._found.token, expires_at, getattr(self._found, "quota_project_id", None))


class Answer(NamedTuple):
    """A response as google-auth reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Sender:
    """How google-auth, in its thread, sends a request through a transport that belongs to an event loop."""

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Answer:
        """Blocks until the answer is there. Raises google-auth's `TransportError`."""
        content = body.encode() if isinstance(body, str) else body or b""
        fields = tuple((name.lower(), str(value)) for name, value in (headers or {}).items())
        try:
            request = HttpRequest(method, Url.parse(url), fields, content)
        except ConfigError as e:
            raise TransportError(str(e)) from e
        sent = asyncio.run_coroutine_threadsafe(self._transport.send(request), self._loop)
        try:
            response = sent.result(timeout or TIMEOUT_S)
        except (UpstreamError, concurrent.futures.CancelledError) as e:
            raise TransportError(str(e)) from e
        except concurrent.futures.TimeoutError as e:
            sent.cancel()
            raise TransportError(f"{request.url.base} did not answer within {timeout or TIMEOUT_S:g} s") from e
        return Answer(response.status, response.headers, response.body)
