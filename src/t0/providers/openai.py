"""OpenAI by either of its APIs, and by `api_base` any server that speaks one of them."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from t0.config.credentials import CredentialStore
from t0.config.fields import Json, Url
from t0.errors import ConfigError
from t0.providers.base import Headers
from t0.providers.chat.dialect import Dialect
from t0.providers.chat.messages import ChatMessage
from t0.providers.embeddings import OpenAIEmbeddingAPI
from t0.providers.events import EventDecoder
from t0.providers.files import PartKind
from t0.providers.json_provider import shown_request_id
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai_compatible import OpenAICompatible
from t0.providers.responses.answer import ResponsesStream, read_answer
from t0.providers.responses.request import request_body
from t0.providers.visible import provider_tools, visible_messages
from t0.types.model import ModelRequest, ModelResponse


class OpenAIConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    api_base: Url | None = None
    api_type: Literal["chat_completions", "responses"] = "chat_completions"
    include_encrypted_reasoning: bool = False
    provider_tools: list[Json] = msgspec.field(default_factory=list)
    content_type_overrides: dict[str, PartKind] = msgspec.field(default_factory=dict)

    def check(self, path: str) -> None:
        if self.api_base is not None and self.api_base.rstrip("/").endswith("/chat/completions"):
            warn_once(f"{path}.api_base: `{self.api_base}` ends in `/chat/completions`, which is appended to it again")
        if self.api_type != "responses":
            self._check_without_responses(path)

    def _check_without_responses(self, path: str) -> None:
        if self.include_encrypted_reasoning:
            raise ConfigError('`include_encrypted_reasoning` is only supported when `api_type = "responses"`', key=path)
        if self.provider_tools:
            raise ConfigError(
                "`provider_tools` are provided for an OpenAI provider but Responses API is not enabled. "
                "These will be ignored.",
                key=path,
            )


class ModelNameRules:
    """What OpenAI's older models do not take, told by their names."""

    def __init__(self, model_name: str) -> None:
        lowered = model_name.lower()
        self.no_json_schema = "3.5" in model_name
        self.parallel_calls_always = lowered.startswith("o1")
        self.no_system_message = lowered.startswith("o1-mini")

    def system_messages(self, messages: list[ChatMessage]) -> list[ChatMessage]:
        return [{**m, "role": "user"} for m in messages] if self.no_system_message else messages

    def json_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.no_json_schema and fields.get("response_format", {}).get("type") == "json_schema":
            return {"response_format": {"type": "json_object"}}
        return fields

    def drop_parallel_flag(self, body: dict[str, Any]) -> None:
        if self.parallel_calls_always and body.get("parallel_tool_calls") is False:
            del body["parallel_tool_calls"]


class OpenAI(OpenAICompatible):
    type = "openai"
    label = "OpenAI"
    Config = OpenAIConfig
    base_url = "https://api.openai.com/v1/"
    accepts_no_key = True
    dialect = Dialect(
        parameters={
            "max_tokens": "max_completion_tokens",
            "seed": "seed",
            "reasoning_effort": "reasoning_effort",
            "verbosity": "verbosity",
        },
        service_tiers=frozenset({"auto", "default", "priority", "flex"}),
        image_detail=True,
        allowed_tools=True,
        custom_tools=True,
        usage_required=False,
    )

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        self.responses = config.api_type == "responses"
        if self.responses:
            self.path, self.api_type = "responses", "responses"
        super().__init__(name, config, credentials)
        self._rules = ModelNameRules(config.model_name)

    @property
    def part_kinds(self) -> Mapping[str, PartKind]:
        kinds: dict[str, PartKind] = self.config.content_type_overrides
        return kinds

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = self._responses_body(call) if self.responses else super().body(call)
        self._rules.drop_parallel_flag(body)
        return body

    def _responses_body(self, call: ModelRequest) -> dict[str, Any]:
        tools = [*self.config.provider_tools, *provider_tools(call, self.name)]
        messages = visible_messages(call, self.name, self.type)
        body = request_body(call, messages, self.config.model_name, tools)
        if self.config.include_encrypted_reasoning:
            body["include"] = ["reasoning.encrypted_content"]
        return body

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        return read_answer(self, call, body) if self.responses else super().response(call, headers, body)

    def decoder(self, call: ModelRequest) -> EventDecoder:
        if self.responses:
            return ResponsesStream(self, call, drop_unknown=self.config.discard_unknown_chunks)
        return super().decoder(call)

    def system_messages(self, call: ModelRequest) -> list[ChatMessage]:
        return self._rules.system_messages(super().system_messages(call))

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return self._rules.json_fields(super().json_fields(call))

    def request_id(self, headers: Headers) -> str:
        return shown_request_id(headers)


class OpenAIEmbeddings(OpenAIEmbeddingAPI, OpenAI):
    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        # The Responses API is another way to chat; embeddings have one API only.
        super().__init__(name, replace(config, api_type="chat_completions"), credentials)
