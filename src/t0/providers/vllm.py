"""vLLM servers."""

from typing import Any

from t0.config.fields import Url
from t0.providers.chat.dialect import Dialect
from t0.providers.keyed import KeyedConfig
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.model import ModelRequest


class VLLMConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    api_base: Url


class VLLM(OpenAICompatible):
    type = "vllm"
    label = "VLLM"
    Config = VLLMConfig
    accepts_no_key = True
    dialect = Dialect(json_instruction=False, replayed_thoughts="reasoning", usage_required=False)

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        if call.json_mode == "off" or call.output_schema is None:
            return {}
        return {"guided_json": call.output_schema}
