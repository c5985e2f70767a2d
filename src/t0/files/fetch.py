"""Downloads of files that inputs name by URL."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import urljoin

from t0.errors import BadFileFetch, ConfigError, UpstreamError, status_line
from t0.files.store import MAX_FILE_BYTES
from t0.mime import detect_mime_type
from t0.providers.base import USER_AGENT
from t0.upstream.base import HttpRequest, HttpStream, Transport, Url

TIMEOUT_S = 60.0
_MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHOWN_BYTES = 1000
_HEADERS = (("accept", "*/*"), USER_AGENT)


class Download(NamedTuple):
    """`mime_type` is what the first bytes tell, else what the server says without its parameters, else None."""

    body: bytes
    mime_type: str | None


async def download(transport: Transport, url: str, max_bytes: int = MAX_FILE_BYTES) -> Download:
    """The file at `url`, redirects followed, within `TIMEOUT_S`. Raises `BadFileFetch`."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await _follow(transport, url, max_bytes)
    except TimeoutError as e:
        raise BadFileFetch(url, f"the download took longer than {TIMEOUT_S:g} s") from e
    except (UpstreamError, ConfigError) as e:
        raise BadFileFetch(url, str(e)) from e


async def _follow(transport: Transport, url: str, max_bytes: int) -> Download:
    where = Url.parse(url)
    for _ in range(_MAX_REDIRECTS + 1):
        response = await transport.stream(HttpRequest("GET", where, _HEADERS, b""))
        try:
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return await _download(response, url, max_bytes)
        finally:
            response.close()
        where = Url.parse(urljoin(str(where), location))
    raise BadFileFetch(url, f"it was redirected more than {_MAX_REDIRECTS} times")


async def _download(response: HttpStream, url: str, max_bytes: int) -> Download:
    if not 200 <= response.status < 300:
        text = (await _read(response, _SHOWN_BYTES))[:_SHOWN_BYTES].decode("utf-8", "replace")
        raise BadFileFetch(url, f"HTTP error {status_line(response.status)}: {text}")
    body = await _read(response, max_bytes)
    if len(body) > max_bytes:
        raise BadFileFetch(url, f"the file is longer than {max_bytes} bytes")
    stated = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Download(body, detect_mime_type(body) or stated or None)


async def _read(response: HttpStream, max_bytes: int) -> bytes:
    """The body, or of a longer one its beginning and at least one byte more than `max_bytes`."""
    parts, size = [], 0
    while size <= max_bytes and (data := await response.read()):
        parts.append(data)
        size += len(data)
    return b"".join(parts)
