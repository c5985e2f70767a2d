"""OpenRouter."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from t0.config.credentials import CredentialStore
from t0.providers.base import HeaderItems
from t0.providers.chat.answer import Answer, StreamEvent, ToolCallDelta, WireToolCall
from t0.providers.chat.dialect import Dialect
from t0.providers.chat.messages import ChatMessage
from t0.providers.chat.stream import ChatStream
from t0.providers.embeddings import OpenAIEmbeddingAPI
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai import ModelNameRules
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.content import BlockChunk, ModelBlock, OutputBlock, SummaryText, Thought, ThoughtChunk
from t0.types.model import ModelRequest

ATTRIBUTION: HeaderItems = (("x-title", "t0"),)


class OpenRouterConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str


class TextDetail(Struct, tag_field="type", tag="reasoning.text"):
    text: str | None = None
    signature: str | None = None
    format: str | None = None
    index: int | None = None


class SummaryDetail(Struct, tag_field="type", tag="reasoning.summary"):
    summary: str
    id: str | None = None
    format: str | None = None
    index: int | None = None


class EncryptedDetail(Struct, tag_field="type", tag="reasoning.encrypted"):
    data: str
    format: str | None = None
    index: int | None = None


Detail = TextDetail | SummaryDetail | EncryptedDetail


class OpenRouterMessage(Struct):
    content: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[WireToolCall] | None = None


class OpenRouterDelta(Struct):
    content: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[ToolCallDelta] | None = None


class OpenRouter(OpenAICompatible):
    type = "openrouter"
    label = "OpenRouter"
    Config = OpenRouterConfig
    base_url = "https://openrouter.ai/api/v1/"
    accepts_no_key = True
    dialect = Dialect(
        parameters={"max_tokens": "max_completion_tokens", "seed": "seed", "verbosity": "verbosity"},
        silent=frozenset({"reasoning_effort", "thinking_budget_tokens"}),
        allowed_tools=True,
    )
    answer_decoder = msgspec.json.Decoder(Answer[OpenRouterMessage])
    event_decoder = msgspec.json.Decoder(StreamEvent[OpenRouterDelta])

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self._rules = ModelNameRules(config.model_name.rpartition("/")[2])

    def _make_headers(self, key: str | None, stream: bool) -> HeaderItems:
        return super()._make_headers(key, stream) + ATTRIBUTION

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = super().body(call)
        self._rules.drop_parallel_flag(body)
        return body

    def add_parameters(self, body: dict[str, Any], call: ModelRequest) -> None:
        super().add_parameters(body, call)
        reasoning = {"effort": call.params.reasoning_effort, "max_tokens": call.params.thinking_budget_tokens}
        given = {key: value for key, value in reasoning.items() if value is not None}
        if given:
            body["reasoning"] = given

    def system_messages(self, call: ModelRequest) -> list[ChatMessage]:
        return self._rules.system_messages(super().system_messages(call))

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return self._rules.json_fields(super().json_fields(call))

    def thought_fields(self, blocks: list[ModelBlock]) -> dict[str, Any]:
        details: list[dict[str, Any]] = []
        for block in blocks:
            if isinstance(block, Thought):
                if block.provider_type == self.type:
                    details += _details(block)
                else:
                    warn_once("OpenRouter takes back its own thoughts only, so others will be ignored.")
        return {"reasoning_details": details} if details else {}

    def keeps_empty_message(self, thoughts: dict[str, Any]) -> bool:
        return bool(thoughts)

    def thoughts(self, message: Any) -> list[OutputBlock]:
        return [self._thought(d) for d in message.reasoning_details or ()]

    def _thought(self, detail: Detail) -> Thought:
        extra_data = _extra_data(detail)
        if isinstance(detail, TextDetail):
            return Thought(detail.text, detail.signature, provider_type=self.type, extra_data=extra_data)
        if isinstance(detail, SummaryDetail):
            summary = [SummaryText(detail.summary)]
            return Thought(None, summary=summary, provider_type=self.type, extra_data=extra_data)
        return Thought(None, detail.data, provider_type=self.type, extra_data=extra_data)

    def decoder(self, call: ModelRequest) -> ChatStream:
        return OpenRouterStream(self, call)


class OpenRouterEmbeddings(OpenAIEmbeddingAPI, OpenRouter):
    pass


class OpenRouterStream(ChatStream):
    def thoughts(self, delta: Any) -> list[BlockChunk]:
        return [self._thought(d, position) for position, d in enumerate(delta.reasoning_details or ())]

    def _thought(self, detail: Detail, position: int) -> BlockChunk:
        index = position if detail.index is None else detail.index
        chunk = ThoughtChunk(str(index), provider_type=self._provider.type, extra_data=_extra_data(detail) or UNSET)
        if isinstance(detail, TextDetail):
            chunk.text, chunk.signature = detail.text, detail.signature
        elif isinstance(detail, SummaryDetail):
            chunk.summary_id, chunk.summary_text = detail.id or str(index), detail.summary
        else:
            chunk.signature = detail.data
        return chunk


def _extra_data(detail: Detail) -> dict[str, Any] | None:
    data: dict[str, Any] = {} if detail.format is None else {"format": detail.format}
    if isinstance(detail, EncryptedDetail):
        data["encrypted"] = True
    return data or None


def _details(thought: Thought) -> Iterator[dict[str, Any]]:
    """The `reasoning_details` that a thought was made of."""
    data = thought.extra_data if isinstance(thought.extra_data, dict) else {}
    form = {"format": data["format"]} if data.get("format") else {}
    if data.get("encrypted") is True:
        yield {"type": "reasoning.encrypted", "data": thought.signature, "format": form.get("format", "raw")}
        return
    if thought.text is not None or thought.signature is not None:
        text = {"text": thought.text, "signature": thought.signature}
        yield {"type": "reasoning.text", **{k: v for k, v in text.items() if v is not None}, **form}
    for item in thought.summary or ():
        yield {"type": "reasoning.summary", "summary": item.text, **form}
