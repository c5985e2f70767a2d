"""The mapping that both ways to Gemini share. A subclass adds address, credentials, and where it differs."""

from typing import Any, ClassVar

import msgspec

from t0.errors import InvalidMessage, InvalidRequest, ProviderFailure
from t0.providers.base import Headers
from t0.providers.gemini.answer import Answer, Candidate, answer_blocks, finish_reason, usage_of
from t0.providers.gemini.messages import contents, system_instruction
from t0.providers.gemini.stream import GeminiStream
from t0.providers.gemini.tools import plain_schema, tool_fields
from t0.providers.json_provider import UNREADABLE, body_text
from t0.providers.notices import unsupported_parameter
from t0.providers.verbs import VerbProvider
from t0.providers.visible import refuse_provider_tools, visible_messages
from t0.types.model import ModelRequest, ModelResponse
from t0.types.params import ChatCompletionParams

PARAMETERS = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "stop_sequences": "stopSequences",
}
THINKING = {"thinking_budget_tokens": "thinkingBudget", "reasoning_effort": "thinkingLevel"}

_decoder = msgspec.json.Decoder(Answer)


class GeminiProvider(VerbProvider):
    verb = "generateContent"
    stream_verb = "streamGenerateContent?alt=sse"
    client_statuses = frozenset({400, 401, 413, 429})
    product: ClassVar[str]
    """The name in errors about what was asked and answered."""

    # -- request -------------------------------------------------------------------------------------------------------

    def body(self, call: ModelRequest) -> dict[str, Any]:
        if not call.messages:
            raise InvalidMessage(f"{self.product} requires at least one message")
        refuse_provider_tools(call, self.name, self.type)
        body: dict[str, Any] = {"contents": self._contents(call)}
        if call.system is not None:
            body["systemInstruction"] = system_instruction(call.system)
        body.update(tool_fields(call.tools))
        body["generationConfig"] = {**self._parameters(call.params), **json_fields(call)}
        return body

    def _contents(self, call: ModelRequest) -> list[dict[str, Any]]:
        def failure(message: str) -> ProviderFailure:
            return self.server_failure(message.format(self.type))

        try:
            return contents(visible_messages(call, self.name, self.type), failure)
        except InvalidRequest as e:
            raise ProviderFailure("client", e.text, self.type, upstream_status=400) from e

    def _parameters(self, params: ChatCompletionParams) -> dict[str, Any]:
        for name in ("service_tier", "verbosity"):
            if getattr(params, name) is not None:
                unsupported_parameter(self.label, name)
        fields, thinking = given(params, PARAMETERS), given(params, THINKING)
        return {**fields, "thinkingConfig": thinking} if thinking else fields

    # -- answer --------------------------------------------------------------------------------------------------------

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        raw = body_text(body)
        try:
            answer = _decoder.decode(body)
            if answer.is_answer() and answer.usage_metadata is None:
                raise self.server_failure(f"{self.product} non-streaming response has no usage metadata", raw)
            candidate = self.candidate(answer, raw)
            return ModelResponse(
                output=answer_blocks(candidate, self.type, call.model_name, self.name),
                usage=usage_of(answer.usage_metadata),
                raw_usage=answer.usage_metadata,
                finish_reason=finish_reason(candidate.finish_reason),
            )
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", raw) from e

    def candidate(self, answer: Answer, raw: str) -> Candidate:
        """What counts of an answer. Raises `ProviderFailure`, `msgspec.ValidationError`."""
        candidate, reason = answer.candidate(), answer.block_reason()
        if candidate is None:
            blocked = "" if reason is None else f": the prompt was blocked (`{reason}`)"
            raise self.server_failure(f"{self.product} response has no candidates{blocked}", raw)
        return candidate

    def decoder(self, call: ModelRequest) -> GeminiStream:
        return GeminiStream(self, call)

    def counts_usage_of(self, candidate: Candidate) -> bool:
        """Whether the token counts beside a streamed candidate are those of the answer."""
        return True


def json_fields(call: ModelRequest) -> dict[str, Any]:
    """What asks for JSON; both modes are one here."""
    if call.json_mode == "off":
        return {}
    fields = {"responseMimeType": "application/json"}
    return fields if call.output_schema is None else {**fields, "responseSchema": plain_schema(call.output_schema)}


def given(params: ChatCompletionParams, names: dict[str, str]) -> dict[str, Any]:
    """The parameters that are set, by their names on the wire."""
    values = ((key, getattr(params, name)) for name, key in names.items())
    return {key: value for key, value in values if value is not None}
