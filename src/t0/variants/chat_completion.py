"""`type = "chat_completion"`: one model, one call."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct, field

from t0.config.schema import ROLES, PathEntry, Place, SampledVariantConfig, TemplateRef
from t0.config.values import SourceFile
from t0.errors import ConfigError, VariantTimeout
from t0.models.call import ModelCall
from t0.models.limits import first_chunk_limit, total_deadline, within
from t0.models.model import Model
from t0.models.retry import RetryPolicy, with_retries
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams, ServiceTier
from t0.types.tools import FunctionTool, SpecificTool, ToolConfig
from t0.variants.base import VariantCall, VariantResult, VariantStream
from t0.variants.render import Renderer

E = TypeVar("E", ExtraBody, ExtraHeader)


class InputWrappers(Struct, frozen=True, forbid_unknown_fields=True):
    system: SourceFile | None = None
    user: SourceFile | None = None
    assistant: SourceFile | None = None


class ChatCompletionConfig(SampledVariantConfig, frozen=True, kw_only=True):
    """`templates` joins all three spellings: `templates.user.path`, `user_template` and `input_wrappers.user`."""

    type = "chat_completion"
    takes_templates = True

    system_template: SourceFile | None = None
    user_template: SourceFile | None = None
    assistant_template: SourceFile | None = None
    template_entries: dict[str, PathEntry] = field(default={}, name="templates")
    input_wrappers: InputWrappers = InputWrappers()
    service_tier: ServiceTier | None = None

    @cached_property
    def templates(self) -> Mapping[str, TemplateRef]:
        legacy = {r: getattr(self, f"{r}_template") or getattr(self.input_wrappers, r) for r in ROLES}
        return {r: TemplateRef(f, legacy=True) for r, f in legacy.items() if f} | {
            name: TemplateRef(entry.path, legacy=False) for name, entry in self.template_entries.items()
        }

    def check(self, path: str) -> None:
        for role in ROLES:
            legacy = getattr(self, f"{role}_template") is not None
            new = role in self.template_entries
            if legacy and new:
                raise ConfigError(f"Cannot specify both `templates.{role}.path` and `{role}_template`", key=path)
            if (legacy or new) and getattr(self.input_wrappers, role) is not None:
                text = f"Cannot provide both `input_wrappers.{role}` and `{role}` template"
                raise ConfigError(text, key=path)

    def check_in(self, place: Place) -> None:
        place.require_json_mode(self.json_mode)
        if self.json_mode is not None and not place.in_json_function and not place.part:
            text = f"JSON mode is not supported for variant `{place.variant_name}` (parent function is a chat function)"
            raise ConfigError(text, key=place.path)
        for role in ROLES:
            if role in place.function.schemas and getattr(self.input_wrappers, role) is not None:
                text = f"Cannot provide both `input_wrappers.{role}` and `{role}_schema`"
                raise ConfigError(text, key=place.path)


class ChatCompletionVariant:
    """Renders the input, calls its model, retries."""

    def __init__(self, name: str, config: ChatCompletionConfig, model: Model, renderer: Renderer) -> None:
        self.name = name
        self.namespace = config.namespace
        self.template_names = renderer.template_names
        self._config = config
        self._model = model
        self._renderer = renderer
        self._params = config.params
        self._retries = RetryPolicy(config.retries.num_retries, config.retries.max_delay_s)

    def namespaced_models(self) -> list[tuple[str, str]]:
        return [(self._model.name, self._model.namespace)] if self._model.namespace is not None else []

    def infer(self, call: VariantCall) -> Awaitable[VariantResult]:
        limit = self._config.timeouts.non_streaming.total_ms
        if limit is None:
            return self._infer(call)
        return within(limit, lambda: VariantTimeout(self.name, "non_streaming.total_ms", limit), self._infer(call))

    async def _infer(self, call: VariantCall) -> VariantResult:
        params = merged_params(self._params, call.request.params)
        model_call = self._model_call(call, params)
        result, failed = await with_retries(self._retries, lambda: self._model.infer(model_call))
        if failed:
            result.failures = [*failed, *result.failures]
        return VariantResult(variant_name=self.name, params=params, output=result.output, calls=[result])

    def batch_call(self, call: VariantCall) -> tuple[Model, ModelCall, ChatCompletionParams]:
        """What `infer` would ask, and of which model."""
        params = merged_params(self._params, call.request.params)
        return self._model, self._model_call(call, params), params

    async def stream(self, call: VariantCall) -> VariantStream:
        started = time.monotonic()
        timeouts = self._config.timeouts.streaming
        limit, setting = first_chunk_limit(timeouts)
        stream = await within(limit, lambda: VariantTimeout(self.name, setting, limit or 0), self._stream(call))
        stream.stream.limit(total_deadline(timeouts, started, VariantTimeout, self.name))
        return stream

    async def _stream(self, call: VariantCall) -> VariantStream:
        params = merged_params(self._params, call.request.params)
        model_call = self._model_call(call, params)
        stream, failed = await with_retries(self._retries, lambda: self._model.stream(model_call))
        stream.failures = [*failed, *stream.failures]
        return VariantStream(variant_name=self.name, params=params, stream=stream)

    def _model_call(self, call: VariantCall, params: ChatCompletionParams) -> ModelCall:
        request = call.request
        system = self._renderer.system(request.input.system)
        messages = self._renderer.messages(request.input)
        tools, json_mode = call.tools, params.json_mode or "off"
        if json_mode == "tool":
            tools, json_mode = respond_tool(call.output_schema), "off"
        model_request = ModelRequest(
            model_name=self._model.name,
            messages=messages,
            system=system,
            tools=tools,
            params=params,
            json_mode=json_mode,
            function_type=call.function_type,
            output_schema=call.output_schema,
            stream=request.stream,
            variant_extra_body=self._config.extra_body,
            variant_extra_headers=self._config.extra_headers,
            extra_body=self._applicable(request.extra_body),
            extra_headers=self._applicable(request.extra_headers),
        )
        return ModelCall(model_request, request.credentials, call.exchanges, call.files, call.cache)

    def _applicable(self, entries: list[E]) -> list[E]:
        """The request's entries that are not meant for another variant."""
        return [e for e in entries if e.variant_name in (None, self.name)] if entries else entries


def merged_params(own: ChatCompletionParams, given: ChatCompletionParams) -> ChatCompletionParams:
    """The request's parameters, the gaps filled by the variant's."""
    if own == _NOTHING:
        return given
    if given == _NOTHING:
        return own
    merged = {name: getattr(given, name) for name in _PARAM_NAMES}
    return ChatCompletionParams(**{n: getattr(own, n) if v is None else v for n, v in merged.items()})


def respond_tool(output_schema: Any) -> ToolConfig:
    """JSON mode `tool`: the output schema as the parameters of the one tool that the model must call."""
    tool = FunctionTool("Respond to the user using the output schema provided.", output_schema, "respond", False)
    return ToolConfig([tool], [], [], SpecificTool("respond"))


_NOTHING = ChatCompletionParams()
_PARAM_NAMES = ChatCompletionParams.__struct_fields__
