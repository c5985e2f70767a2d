"""Text Generation Inference servers."""

from typing import Any

import msgspec
from msgspec import Struct

from t0.config.fields import Url
from t0.errors import RequestError
from t0.providers.chat.answer import Answer
from t0.providers.chat.dialect import Dialect
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.content import ToolCall
from t0.types.model import FinishReason, ModelRequest


class TGIConfig(KeyedConfig, frozen=True, kw_only=True):
    api_base: Url


class TGIFunction(Struct):
    name: str
    arguments: Any


class TGIToolCall(Struct):
    id: str
    function: TGIFunction


class TGIMessage(Struct):
    content: str | None = None
    tool_calls: list[TGIToolCall] | None = None


class ToolsWhileStreaming(RequestError):
    status, kind = 500, "InvalidTool"

    def __init__(self) -> None:
        super().__init__("TGI does not support tools in streaming mode")


class TGI(OpenAICompatible):
    type = "tgi"
    label = "TGI"
    Config = TGIConfig
    accepts_no_key = True
    raw_bodies_in_errors = (False, False)
    dialect = Dialect(thoughts=(), streamed_thoughts=(), finish_reason_required=False, cached_tokens=False)
    answer_decoder = msgspec.json.Decoder(Answer[TGIMessage])

    def model_name(self, call: ModelRequest) -> str:
        return "tgi"

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        if call.json_mode != "off":
            warn_once("TGI does not support JSON mode, so it will be ignored.")
        return {}

    def tool_fields(self, call: ModelRequest) -> dict[str, Any]:
        fields = super().tool_fields(call)
        if fields and call.stream:
            raise ToolsWhileStreaming
        return fields

    def tool_call(self, call: Any) -> ToolCall:
        arguments = call.function.arguments
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        return ToolCall(call.id, call.function.name, text)

    def finish_reason(self, text: str) -> FinishReason:
        return "stop_sequence" if text == "stop_sequence" else super().finish_reason(text)
