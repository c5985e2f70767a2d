"""Anthropic's Messages API."""

import builtins
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from t0.config.fields import Json, Url
from t0.config.schema.common import ProviderConfig
from t0.errors import InvalidMessage, InvalidRequest, ProviderFailure
from t0.providers.anthropic_answer import Answer, AnthropicStream, answer_blocks, finish_reason, usage_of
from t0.providers.anthropic_messages import PREFILL, repaired, tool_fields, wire_messages
from t0.providers.base import HeaderItems, Headers
from t0.providers.files import url_forwarded
from t0.providers.json_provider import UNREADABLE, JsonProvider, body_text
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import unsupported_parameter, warn_once
from t0.providers.visible import provider_tools, visible_messages
from t0.types.content import File
from t0.types.model import ModelRequest, ModelResponse

VERSION_HEADER = ("anthropic-version", "2023-06-01")

OutputLimits = tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...]
"""Name prefixes, whole names, and the most output tokens that such a model gives."""

OUTPUT_LIMITS: OutputLimits = (
    (("claude-3-haiku", "claude-3-opus"), (), 4096),
    (("claude-3-5-haiku", "claude-3-5-sonnet"), (), 8192),
    (("claude-3-7-sonnet", "claude-sonnet-4-202"), ("claude-sonnet-4-0",), 64_000),
    (("claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-5"), (), 64_000),
    (("claude-opus-4-202", "claude-opus-4-1-202"), ("claude-opus-4-0", "claude-opus-4-1"), 32_000),
    (("claude-opus-4-6",), (), 128_000),
)

_decoder = msgspec.json.Decoder(Answer)


class AnthropicConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    api_base: Url | None = None
    provider_tools: list[Json] = msgspec.field(default_factory=list)
    beta_structured_outputs: bool = False
    """Deprecated and ignored."""


class Anthropic(JsonProvider):
    type = "anthropic"
    label = "Anthropic"
    Config: ClassVar[builtins.type[ProviderConfig]] = AnthropicConfig
    base_url = "https://api.anthropic.com/v1/"
    path = "messages"
    client_statuses = frozenset({400, 401, 413, 429})
    product: ClassVar[str] = "Anthropic"
    """The name in errors about what the API asks for."""
    output_limits: ClassVar[OutputLimits] = OUTPUT_LIMITS
    service_tiers: ClassVar[Mapping[str, str]] = {"auto": "auto", "priority": "auto", "default": "standard_only"}
    """t0's service tiers that exist there, and their names."""
    strict_tools: ClassVar[bool] = True

    def api_base(self) -> str:
        base = super().api_base().rstrip("/")
        if base.endswith("/messages"):
            warn_once(f"`api_base` of Anthropic providers should not end in `/messages`: {base}")
        return base.removesuffix("/messages")

    def auth_headers(self, key: str) -> HeaderItems:
        return (("x-api-key", key),)

    def _make_headers(self, key: str | None, stream: bool) -> HeaderItems:
        return (*super()._make_headers(key, stream), VERSION_HEADER)

    # -- request -------------------------------------------------------------------------------------------------------

    def body(self, call: ModelRequest) -> dict[str, Any]:
        if not call.messages:
            raise InvalidMessage(f"{self.product} requires at least one message")
        messages = wire_messages(visible_messages(call, self.name, self.type), fetch=call.fetch_and_encode_files)
        body: dict[str, Any] = {
            "model": self.model_name(),
            "max_tokens": self._max_tokens(call),
            "messages": [*messages, PREFILL] if prefills(call) else messages,
            "stream": call.stream,
        }
        if call.system is not None:
            body["system"] = [{"type": "text", "text": call.system}]
        self._add_parameters(body, call)
        tools = [*self.config.provider_tools, *provider_tools(call, self.name)]
        body.update(tool_fields(call.tools, tools, strict=self.strict_tools))
        body.update(thinking_fields(call, self.product))
        return body

    def model_name(self) -> str:
        name: str = self.config.model_name
        return name

    def _max_tokens(self, call: ModelRequest) -> int:
        model_name = self.model_name()
        limit = call.params.max_tokens or output_limit(model_name, self.output_limits)
        if limit is None:
            message = (
                f"The TensorZero Gateway doesn't know the output token limit for `{model_name}` and "
                "Anthropic requires you to provide a `max_tokens` value. Please set `max_tokens` in your configuration "
                "or inference request."
            )
            raise ProviderFailure("client", message, self.type)
        return limit

    def _add_parameters(self, body: dict[str, Any], call: ModelRequest) -> None:
        params = call.params
        for name in ("temperature", "top_p", "stop_sequences"):
            value = getattr(params, name)
            if value is not None:
                body[name] = value
        tier = params.service_tier
        if tier is not None and tier in self.service_tiers:
            body["service_tier"] = self.service_tiers[tier]
        elif tier is not None:
            unsupported_parameter(self.label, f"service_tier = {tier}")
        if params.verbosity is not None:
            unsupported_parameter(self.label, "verbosity")

    def forwards_url(self, file: File, call: ModelRequest) -> bool:
        return url_forwarded(file, fetch=call.fetch_and_encode_files)

    # -- answer --------------------------------------------------------------------------------------------------------

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        try:
            answer = _decoder.decode(body)
            usage = usage_of(answer.usage)
            output = answer_blocks(answer.content, self.type, call.model_name, self.name)
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body_text(body)) from e
        if prefills(call):
            output = repaired(output)
        reason = finish_reason(answer.stop_reason)
        return ModelResponse(output=output, usage=usage, raw_usage=answer.usage, finish_reason=reason)

    def decoder(self, call: ModelRequest) -> AnthropicStream:
        return AnthropicStream(self, call, prefilled=prefills(call), drop_unknown=self.config.discard_unknown_chunks)


def output_limit(model_name: str, limits: OutputLimits) -> int | None:
    """The `max_tokens` for a caller who gave none; None for an unknown model."""
    for prefixes, names, limit in limits:
        if model_name.startswith(prefixes) or model_name in names:
            return limit
    return None


def prefills(call: ModelRequest) -> bool:
    """Whether the answer is begun for the model, with a brace, to make it JSON."""
    return call.json_mode == "on" and call.function_type == "json"


def thinking_fields(call: ModelRequest, product: str) -> dict[str, Any]:
    """`thinking` and `output_config`. Raises `InvalidRequest` when both ways of thinking are asked for."""
    effort, budget = call.params.reasoning_effort, call.params.thinking_budget_tokens
    if effort is not None and budget is not None:
        raise InvalidRequest(
            f"Cannot specify both `reasoning_effort` and `thinking_budget_tokens` for {product}. "
            "Use `reasoning_effort` for adaptive thinking or `thinking_budget_tokens` for manual thinking."
        )
    fields: dict[str, Any] = {}
    output_config: dict[str, Any] = {}
    if effort is not None:
        fields["thinking"] = {"type": "adaptive"}
        output_config["effort"] = effort
    if budget is not None:
        fields["thinking"] = {"type": "enabled", "budget_tokens": budget}
    if call.json_mode == "strict" and call.output_schema is not None:
        output_config["format"] = {"type": "json_schema", "schema": call.output_schema}
    return {**fields, "output_config": output_config} if output_config else fields
