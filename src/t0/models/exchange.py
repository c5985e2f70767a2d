"""One exchange with a provider: a request out, its 2xx answer back, everything else as a `ProviderFailure`."""

from __future__ import annotations

from t0.errors import ProviderFailure, UpstreamError, UpstreamTimeout
from t0.providers.base import Provider
from t0.upstream.base import HttpRequest, HttpResponse, Transport

TOO_SLOW = (
    "Request timed out due to `gateway.global_outbound_http_timeout_ms`. "
    "Consider increasing this value in your configuration if you expect inferences to take longer to complete."
)


async def exchange(provider: Provider, transport: Transport, request: HttpRequest) -> HttpResponse:
    """The answer to `request`. Raises `ProviderFailure` when none came, or its status is not 2xx."""
    try:
        response = await transport.send(request)
    except UpstreamError as e:
        raise not_sent(provider, e, request) from e
    if 200 <= response.status < 300:
        return response
    failure = provider.failure(response.status, response.headers, response.body)
    raise with_raw_bodies(provider, failure, request.body, response.body)


def not_sent(provider: Provider, error: UpstreamError, request: HttpRequest) -> ProviderFailure:
    """The failure for a request that no whole answer came to."""
    text = TOO_SLOW if isinstance(error, UpstreamTimeout) else f"Error sending request: {error}"
    failure = ProviderFailure("client", text, provider.type, api_type=provider.api_type)
    return with_raw_bodies(provider, failure, request.body, None)


def with_raw_bodies(
    provider: Provider, failure: ProviderFailure, request: bytes, response: bytes | None
) -> ProviderFailure:
    """`failure` with the bodies that it does not have yet and that the provider lets it keep."""
    keep_request, keep_response = provider.raw_bodies_in_errors
    if keep_request and failure.raw_request is None:
        failure.raw_request = request.decode("utf-8", "replace")
    if keep_response and failure.raw_response is None and response is not None:
        failure.raw_response = response.decode("utf-8", "replace")
    return failure
