"""`type = "experimental_chain_of_thought"`, deprecated: a json answer preceded by reasoning."""

from __future__ import annotations

from t0.config.schema import Place
from t0.errors import ConfigError
from t0.variants.chat_completion import ChatCompletionConfig


class ChainOfThoughtConfig(ChatCompletionConfig, frozen=True, kw_only=True):
    type = "experimental_chain_of_thought"
    supported = False

    def check_in(self, place: Place) -> None:
        if not place.in_json_function:
            text = (
                f"Unsupported variant `{place.variant_name}` of type `chain_of_thought` "
                f"for function `{place.function_name}` of type `chat`"
            )
            raise ConfigError(text, key=place.path)
        super().check_in(place)
