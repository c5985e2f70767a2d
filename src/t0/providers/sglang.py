"""SGLang servers."""

from typing import Any

from t0.config.fields import Url
from t0.errors import InvalidRequest
from t0.providers.chat.dialect import Dialect
from t0.providers.keyed import KeyedConfig
from t0.providers.openai_compatible import OpenAICompatible, json_schema_format
from t0.types.model import ModelRequest


class SGLangConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    api_base: Url


class SGLang(OpenAICompatible):
    type = "sglang"
    label = "SGLang"
    Config = SGLangConfig
    accepts_no_key = True
    plain_stream_errors = True
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "seed": "seed", "reasoning_effort": "reasoning_effort"},
        streamed_thoughts=("reasoning_content",),
        usage_required=False,
    )

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        if call.json_mode == "off":
            return {}
        if call.output_schema is None:
            raise InvalidRequest("The SGL models requires a schema to be provided in json mode")
        return {"response_format": json_schema_format(call.output_schema)}
