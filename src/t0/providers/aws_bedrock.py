"""AWS Bedrock, by its Converse API."""

from typing import Any, ClassVar
from urllib.parse import quote

from t0.config.credentials import CredentialStore, parse_location
from t0.errors import ConfigError
from t0.providers.anthropic_messages import repaired
from t0.providers.aws.auth import Auth, BearerAuth
from t0.providers.aws.config import AWSConfig
from t0.providers.aws.converse_answer import ConverseStream, read_answer
from t0.providers.aws.converse_request import PREFILL, tool_fields, wire_messages
from t0.providers.aws.provider import AWSProvider
from t0.providers.base import Headers
from t0.providers.notices import unsupported_parameter, warn_once
from t0.providers.visible import refuse_provider_tools, visible_messages
from t0.types.model import ModelRequest, ModelResponse

TOKEN_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"

PARAMETERS = {
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop_sequences": "stopSequences",
}
"""The parameters of `inferenceConfig`, by their names on the wire."""


class AWSBedrockConfig(AWSConfig, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "aws_bedrock"

    model_id: str
    api_key: str | None = None

    def check(self, path: str) -> None:
        super().check(path)
        if self.api_key is None:
            return
        if self.access_key_id is not None or self.secret_access_key is not None:
            raise ConfigError(
                "Cannot specify both `api_key` and IAM credentials (`access_key_id`/`secret_access_key`) "
                f"for `{self.type_name}`",
                key=path,
            )
        if parse_location(self.api_key)[0] not in ("env", "dynamic"):
            raise ConfigError(
                f"Unsupported credential location for `api_key` in `{self.type_name}`. Use `env::` or `dynamic::`.",
                key=path,
            )


class AWSBedrock(AWSProvider):
    type = "aws_bedrock"
    label = "AWS Bedrock"
    Config = AWSBedrockConfig
    service = "bedrock"
    host = "bedrock-runtime"
    error_name = "AWS Bedrock"

    def __init__(self, name: str, config: AWSBedrockConfig, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self._model = f"model/{quote(config.model_id, safe='')}"
        self._is_claude = "claude" in config.model_id

    def make_auth(self, credentials: CredentialStore) -> Auth:
        if self.config.api_key is not None:
            return BearerAuth.at(self.config.api_key, credentials, self.type)
        if self.config.access_key_id is None and credentials.env.get(TOKEN_VARIABLE):
            return BearerAuth(static=credentials.env[TOKEN_VARIABLE])
        return super().make_auth(credentials)

    # -- request -------------------------------------------------------------------------------------------------------

    def path(self, *, stream: bool) -> str:
        return f"{self._model}/converse-stream" if stream else f"{self._model}/converse"

    def body(self, call: ModelRequest) -> dict[str, Any]:
        refuse_provider_tools(call, self.name, self.type)
        messages = wire_messages(visible_messages(call, self.name, self.thought_type))
        body: dict[str, Any] = {
            "messages": [*messages, PREFILL] if self._prefills(call) else messages,
            "inferenceConfig": self._inference_config(call),
        }
        if call.system:
            body["system"] = [{"text": call.system}]
        if call.params.thinking_budget_tokens is not None:
            thinking = {"type": "enabled", "budget_tokens": call.params.thinking_budget_tokens}
            body["additionalModelRequestFields"] = {"thinking": thinking}
        body.update(tool_fields(call.tools))
        return body

    def _inference_config(self, call: ModelRequest) -> dict[str, Any]:
        for parameter in ("reasoning_effort", "service_tier", "verbosity"):
            if getattr(call.params, parameter) is not None:
                unsupported_parameter(self.label, parameter)
        values = ((name, getattr(call.params, field)) for field, name in PARAMETERS.items())
        return {name: value for name, value in values if value is not None}

    def _prefills(self, call: ModelRequest) -> bool:
        """Whether the answer is begun for the model, with a brace, to make it JSON."""
        if call.json_mode == "strict":
            warn_once("AWS Bedrock does not support strict JSON mode: the answer may not match the schema")
        return self._is_claude and call.function_type == "json" and call.json_mode != "off"

    # -- answer --------------------------------------------------------------------------------------------------------

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        answer = read_answer(self, call, body)
        if self._prefills(call):
            answer.output = repaired(answer.output)
        return answer

    def decoder(self, call: ModelRequest) -> ConverseStream:
        return ConverseStream(
            self,
            call,
            self.error_name,
            prefilled=self._prefills(call),
            drop_unknown=self.config.discard_unknown_chunks,
        )
