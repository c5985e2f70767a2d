"""Every error t0 raises.

    T0Error
    ├─ ConfigError                 start-up stops; names the key path and the file
    ├─ RingError                   a log ring cannot be made, opened or trusted
    ├─ UpstreamError               no whole HTTP answer came back
    │  ├─ ConnectFailed  ├─ ConnectionLost  ├─ UpstreamTimeout  ├─ MalformedResponse  └─ UnsendableRequest
    └─ RequestError                becomes an HTTP answer: `status`, `text`
       ├─ caller's fault           JsonRequest, InvalidRequest, InvalidInferenceTarget, InvalidMessage, InvalidUuid,
       │                           JsonSchemaValidation, ToolNotFound, DuplicateTool, UnknownFunction, UnknownVariant,
       │                           UnknownMetric, ModelNotFound, RouteNotFound, …
       ├─ provider's fault         ProviderFailure (client, server and fatal stream kinds), ApiKeyMissing, …Timeout
       ├─ nothing worked           AllModelProvidersFailed, AllRetriesFailed, AllVariantsFailed, AllCandidatesFailed
       └─ t0's fault               InternalError, InferenceError, TemplateError

Statuses and texts are those of the reference (`docs/clients.md`, errors). `kind` is the key of `error_json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Literal

import msgspec


class T0Error(Exception):
    """The root of all errors of this package."""


class ConfigError(T0Error):
    """The configuration cannot be used. `key` is a dotted path, `file` the TOML file it was written in."""

    def __init__(self, message: str, *, key: str | None = None, file: str | None = None) -> None:
        self.message, self.key, self.file = message, key, file
        super().__init__(message)

    def __str__(self) -> str:
        text = f"{self.key}: {self.message}" if self.key else self.message
        return f"{text} (in {self.file})" if self.file else text


class RingError(T0Error):
    """A log ring cannot be made, opened or trusted: wrong version or size, damaged header, no disk space."""


# -- upstream ----------------------------------------------------------------------------------------------------------


class UpstreamError(T0Error):
    """No whole answer came back from upstream. The text names the origin, never a header or a body."""


class ConnectFailed(UpstreamError):
    """The connection could not be made: refused, unreachable, TLS, name resolution."""


class ConnectionLost(UpstreamError):
    """The connection ended before the answer did."""


class UpstreamTimeout(UpstreamError):
    """A limit of the transport ran out. `limit` names it: `connect`, `read` (silence) or `total`."""

    def __init__(self, message: str, *, limit: Literal["connect", "read", "total"]) -> None:
        self.limit = limit
        super().__init__(message)


class MalformedResponse(UpstreamError):
    """What came back is not HTTP, or exceeds a limit."""


class UnsendableRequest(UpstreamError):
    """The request holds what HTTP cannot carry, such as a line break in a header; nothing was sent."""


# -- the server --------------------------------------------------------------------------------------------------------


class MalformedRequest(T0Error):
    """What a client sent is not HTTP, or exceeds a limit. `status` is the answer to it."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


# -- requests ----------------------------------------------------------------------------------------------------------


class Verbosity:
    """How much errors tell: set once per process, from `[gateway]`."""

    debug: ClassVar[bool] = False
    """Whether texts show raw provider bodies and the data that failed a schema."""
    structured: ClassVar[bool] = False
    """Whether bodies carry `error_json`."""


class RequestError(T0Error):
    """An error with an HTTP answer. `fields` fill `error_json`; `text` is what the client reads."""

    status: int = 500
    kind: ClassVar[str] = "InternalError"
    retryable: bool = True

    def __init__(self, text: str, **fields: Any) -> None:
        self._text = text
        self.fields = fields or {"message": text}
        super().__init__(text)

    @property
    def text(self) -> str:
        return self._text

    def describe(self) -> dict[str, Any]:
        """The structured error, an externally tagged object."""
        return {self.kind: {k: _described(v) for k, v in self.fields.items()}}

    def provider_failures(self) -> list[ProviderFailure]:
        """The provider failures in this error's tree, in the order of the attempts."""
        return []


def compact(value: Any) -> str:
    """A JSON value as text without spaces."""
    return msgspec.json.encode(value).decode()


def _described(value: Any) -> Any:
    if isinstance(value, RequestError):
        return value.describe()
    if isinstance(value, Mapping):
        return {k: _described(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_described(v) for v in value]
    return value


class JsonRequest(RequestError):
    """The body is not JSON, or a field has the wrong type."""

    status, kind = 400, "JsonRequest"


class InvalidRequest(RequestError):
    status, kind = 400, "InvalidRequest"


class InvalidInferenceTarget(RequestError):
    status, kind = 400, "InvalidInferenceTarget"

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid inference target: {message}", message=message)


class InvalidOpenAIRequest(RequestError):
    status, kind = 400, "InvalidOpenAICompatibleRequest"

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid request to OpenAI-compatible endpoint: {message}", message=message)


class InvalidMessage(RequestError):
    status, kind = 400, "InvalidMessage"


class JsonSchemaValidation(RequestError):
    """`schema` is the compact text of the schema that `data` fails."""

    status, kind = 400, "JsonSchemaValidation"

    def __init__(self, messages: Sequence[str], data: Any, schema: str) -> None:
        shown = f"\n\nData:\n{compact(data)}" if Verbosity.debug else ""
        super().__init__(
            "JSON Schema validation failed:\n" + "\n".join(messages) + f"{shown}\n\nSchema:\n{schema}",
            messages=list(messages),
            data=data,
            schema=schema,
        )


class DynamicJsonSchema(RequestError):
    status, kind = 400, "DynamicJsonSchema"

    def __init__(self, message: str) -> None:
        super().__init__(f"Error in compiling client-provided JSON schema: {message}", message=message)


class InvalidUuid(RequestError):
    status, kind = 400, "InvalidUuid"

    def __init__(self, raw_uuid: str) -> None:
        super().__init__(f"Failed to parse UUID as v7: {raw_uuid}", raw_uuid=raw_uuid)


class InvalidTensorzeroUuid(RequestError):
    status, kind = 400, "InvalidTensorzeroUuid"

    def __init__(self, what: str, message: str) -> None:
        super().__init__(f"Invalid {what} ID: {message}", kind=what, message=message)


class InvalidWorkflowEvaluationRun(RequestError):
    status, kind = 400, "InvalidWorkflowEvaluationRun"

    def __init__(self, episode_id: str) -> None:
        super().__init__(f"Workflow evaluation run not found for episode id: {episode_id}", episode_id=episode_id)


class ToolNotFound(RequestError):
    status, kind = 400, "ToolNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"Tool not found: {name}", name=name)


class DuplicateTool(RequestError):
    status, kind = 400, "DuplicateTool"

    def __init__(self, name: str) -> None:
        super().__init__(f"Duplicate tool name: {name}. Tool names must be unique.", name=name)


class IncompatibleTool(RequestError):
    status, kind = 400, "IncompatibleTool"


class UnsupportedContentBlock(RequestError):
    status, kind = 400, "UnsupportedContentBlockType"


class ExtraBodyReplacement(RequestError):
    status, kind = 400, "ExtraBodyReplacement"

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(
            f"Error replacing extra body: `{message}` with pointer: `{pointer}`", message=message, pointer=pointer
        )


class ApiKeyMissing(RequestError):
    status, kind = 400, "ApiKeyMissing"

    def __init__(self, provider_name: str, message: str) -> None:
        super().__init__(
            f"API key missing for provider {provider_name}: {message}", provider_name=provider_name, message=message
        )


class UnknownFunction(RequestError):
    status, kind = 404, "UnknownFunction"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown function: {name}", name=name)


class UnknownVariant(RequestError):
    status, kind = 404, "UnknownVariant"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown variant: {name}", name=name)


class UnknownMetric(RequestError):
    status, kind = 404, "UnknownMetric"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown metric: {name}", name=name)


class ModelNotFound(RequestError):
    status, kind = 404, "ModelNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"Model not found: {name}", model_name=name)


class BatchNotFound(RequestError):
    status, kind = 404, "BatchNotFound"

    def __init__(self, id: str) -> None:
        super().__init__(f"Batch request not found for id: {id}", id=id)


class BatchInputValidation(RequestError):
    """One input of a batch, counted from 0, is not valid."""

    status, kind = 400, "BatchInputValidation"

    def __init__(self, index: int, message: str) -> None:
        super().__init__(f"Input at index {index} failed validation: {message}", index=index, message=message)


class UnsupportedVariantForBatch(RequestError):
    status, kind = 400, "UnsupportedVariantForBatchInference"

    def __init__(self, variant_name: str) -> None:
        super().__init__(f"Unsupported variant for batch inference: {variant_name}", variant_name=variant_name)


class UnsupportedProviderForBatch(RequestError):
    status, kind = 500, "UnsupportedModelProviderForBatchInference"

    def __init__(self, provider_type: str) -> None:
        super().__init__(
            f"Unsupported model provider for batch inference: {provider_type}", provider_type=provider_type
        )


class UnsupportedEncoding(RequestError):
    """The body has a content coding that t0 does not decode."""

    status, kind = 415, "UnsupportedEncoding"

    def __init__(self, coding: str) -> None:
        super().__init__(f"Unsupported content encoding: {coding}", coding=coding)


class RouteNotFound(RequestError):
    status, kind = 404, "RouteNotFound"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Route not found: {method} {path}", path=path, method=method)


class InvalidFunctionVariants(RequestError):
    status, kind = 500, "InvalidFunctionVariants"


class ObjectStoreUnconfigured(RequestError):
    status, kind = 500, "ObjectStoreUnconfigured"

    def __init__(self, block_type: str) -> None:
        super().__init__(
            "Object storage is not configured. You must configure `[object_storage]` before making requests containing "
            f"a `{block_type}` content block. If you don't want to use object storage, you can explicitly set "
            '`object_storage.type = "disabled"` in your configuration.',
            block_type=block_type,
        )


class BadFileFetch(RequestError):
    status, kind = 500, "BadFileFetch"

    def __init__(self, url: str, message: str) -> None:
        super().__init__(f"Error fetching file from {url}: {message}", url=url, message=message)


class TemplateError(RequestError):
    """A template could not be rendered, or a variant lacks it."""

    status, kind = 500, "MiniJinjaTemplateRender"


class TemplateNotFound(RequestError):
    """A template block names a template that the variant at hand does not have."""

    status, kind = 400, "UnknownTemplate"

    def __init__(self, name: str) -> None:
        super().__init__(f"Template `{name}` not found", name=name)


class InferenceError(RequestError):
    status, kind = 500, "Inference"


class InternalError(RequestError):
    status, kind = 500, "InternalError"

    def __init__(self, message: str) -> None:
        super().__init__(f"Internal error: {message}", message=message)


class NotImplementedYet(RequestError):
    """A feature of the API that this release does not have."""

    status, kind = 501, "NotImplemented"

    def __init__(self, message: str) -> None:
        super().__init__(f"Not implemented: {message}", message=message)


class StorageError(RequestError):
    """A database query failed."""

    status, kind = 500, "ClickHouseQuery"


class StorageUnavailable(RequestError):
    """The database could not be reached."""

    status, kind = 503, "ClickHouseConnection"


# -- providers ---------------------------------------------------------------------------------------------------------


class ProviderFailure(RequestError):
    """A provider refused, failed, or answered what its API does not promise.

    `provider_type` is the TOML `type`. `upstream_status` is the provider's own status; it never becomes the gateway's.
    `raw_request` and `raw_response` are set where known, for `raw_response` entries and debug texts.
    """

    status = 500
    kind = "InferenceServer"

    def __init__(
        self,
        kind: Literal["client", "server", "fatal_stream"],
        message: str,
        provider_type: str,
        *,
        upstream_status: int | None = None,
        raw_request: str | None = None,
        raw_response: str | None = None,
        api_type: str = "chat_completions",
    ) -> None:
        self.failure = kind
        self.message, self.provider_type, self.api_type = message, provider_type, api_type
        self.upstream_status, self.raw_request, self.raw_response = upstream_status, raw_request, raw_response
        if kind == "client" and upstream_status is not None:
            self.status = upstream_status
        super().__init__(self._worded(message))

    def _worded(self, message: str) -> str:
        if self.failure == "fatal_stream":
            return f"Inference stream closed due to error from {self.provider_type} server: {message}"
        if self.failure == "server":
            return f"Error from {self.provider_type} server: {message}"
        if self.upstream_status is None:
            return f"Error from {self.provider_type} client: {message}"
        return f"Error {status_line(self.upstream_status)} from {self.provider_type} client: {message}"

    @property
    def text(self) -> str:
        """In debug mode with the raw bodies, which are known only after the failure was made."""
        if not Verbosity.debug:
            return self._text
        head = f"Error from {self.provider_type} client: {self.message}" if self.failure == "client" else self._text
        request = f"\nRaw request: {self.raw_request}" if self.raw_request is not None else ""
        response = f"\nRaw response: {self.raw_response}" if self.raw_response is not None else ""
        return head + request + response

    def describe(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "message": self.message,
            "provider_type": self.provider_type,
            "api_type": self.api_type,
        }
        if self.failure == "client":
            fields["status_code"] = self.upstream_status
        return {_FAILURE_KINDS[self.failure]: {**fields, **self._raw_bodies()}}

    def _raw_bodies(self) -> dict[str, str | None]:
        if Verbosity.debug:
            return {"raw_request": self.raw_request, "raw_response": self.raw_response}
        return {"raw_request": None, "raw_response": None}

    def provider_failures(self) -> list[ProviderFailure]:
        return [self]


_PHRASES = {
    203: "Non Authoritative Information",
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}
"""Where Python's phrases change between its versions, or are not the reference's."""


_FAILURE_KINDS = {"client": "InferenceClient", "server": "InferenceServer", "fatal_stream": "FatalStreamError"}


def status_line(status: int) -> str:
    """`404 Not Found`; a code without a standard phrase shows `<unknown status code>`, as the reference does."""
    try:
        return f"{status} {_PHRASES.get(status) or HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} <unknown status code>"


class _Timeout(RequestError):
    status = 408
    subject: ClassVar[str]

    def __init__(self, name: str, setting: str, limit_ms: int) -> None:
        text = (
            f"{self.subject.format(name)} timed out due to configured `{setting}` timeout ({format_duration(limit_ms)})"
        )
        super().__init__(text, name=name, timeout=limit_ms, kind=setting)


class VariantTimeout(_Timeout):
    kind, subject = "VariantTimeout", "Variant `{}`"


class ModelTimeout(_Timeout):
    kind, subject = "ModelTimeout", "Model {}"


class ModelProviderTimeout(_Timeout):
    kind, subject = "ModelProviderTimeout", "Model provider {}"


def format_duration(ms: int) -> str:
    """`300ms`, `1s`, `2.5s`: milliseconds below a second, seconds without trailing zeros from there."""
    if ms < 1000:
        return f"{ms}ms"
    seconds, rest = divmod(ms, 1000)
    return f"{seconds}.{rest:03d}".rstrip("0").rstrip(".") + "s"


class RateLimitExceeded(RequestError):
    status, kind = 429, "RateLimitExceeded"
    retryable = False


# -- nothing worked ----------------------------------------------------------------------------------------------------


class _Attempts(RequestError):
    """An error made of the errors of several attempts; 429 when the last one was the gateway's own rate limit."""

    def __init__(self, text: str, status: int, attempts: Sequence[RequestError], **fields: Any) -> None:
        self.attempts = list(attempts)
        self.status = 429 if self.attempts and is_rate_limit(self.attempts[-1]) else status
        super().__init__(text, **fields)

    def provider_failures(self) -> list[ProviderFailure]:
        return [f for e in self.attempts for f in e.provider_failures()]


def is_rate_limit(error: RequestError) -> bool:
    """Whether the last leaf of the error's tree is a refusal by the gateway's own rate limits."""
    while isinstance(error, _Attempts) and error.attempts:
        error = error.attempts[-1]
    return isinstance(error, RateLimitExceeded)


class AllModelProvidersFailed(_Attempts):
    kind = "AllModelProvidersFailed"

    def __init__(self, errors: Mapping[str, RequestError]) -> None:
        listed = ", ".join(f"{name}: {e.text}" for name, e in errors.items())
        super().__init__(
            f"All model providers failed to infer with errors: {listed}",
            500,
            list(errors.values()),
            provider_errors=dict(errors),
        )
        self.retryable = any(e.retryable for e in errors.values())


class AllRetriesFailed(_Attempts):
    kind, retryable = "AllRetriesFailed", False

    def __init__(self, errors: Sequence[RequestError]) -> None:
        listed = ", ".join(e.text for e in errors)
        super().__init__(f"All retries failed with errors: {listed}", errors[-1].status, errors, errors=list(errors))


class AllVariantsFailed(_Attempts):
    kind = "AllVariantsFailed"

    def __init__(self, errors: Mapping[str, RequestError]) -> None:
        listed = "\n".join(f"{name}: {e.text}" for name, e in errors.items())
        super().__init__(f"All variants failed with errors: {listed}", 502, list(errors.values()), errors=dict(errors))


class AllCandidatesFailed(_Attempts):
    kind = "AllCandidatesFailed"

    def __init__(self, errors: Mapping[str, RequestError]) -> None:
        listed = "\n".join(f"{name}: {e.text}" for name, e in errors.items())
        super().__init__(
            f"All candidates failed with errors: {listed}", 502, list(errors.values()), candidate_errors=dict(errors)
        )


class NoFallbackVariants(RequestError):
    status, kind = 502, "NoFallbackVariantsRemaining"

    def __init__(self) -> None:
        super().__init__("No fallback variants remaining.")
