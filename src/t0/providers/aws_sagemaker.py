"""AWS SageMaker: endpoints that host a server with a chat format of its own."""

from typing import Any, ClassVar, Literal
from urllib.parse import quote

from t0.config.credentials import CredentialStore
from t0.errors import ProviderFailure
from t0.providers.aws.config import AWSConfig
from t0.providers.aws.event_stream import MessageDecoder
from t0.providers.aws.hosted import hosted_provider
from t0.providers.aws.provider import AWSProvider
from t0.providers.base import Headers, StreamDecoder
from t0.providers.notices import warn_once
from t0.types.content import File
from t0.types.model import Chunk, ModelRequest, ModelResponse


class AWSSageMakerConfig(AWSConfig, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "aws_sagemaker"

    endpoint_name: str
    model_name: str
    hosted_provider: Literal["openai", "tgi"]


class AWSSageMaker(AWSProvider):
    type = "aws_sagemaker"
    label = "AWS SageMaker"
    Config = AWSSageMakerConfig
    service = "sagemaker"
    host = "runtime.sagemaker"
    error_name = "AWS sagemaker"

    def __init__(self, name: str, config: AWSSageMakerConfig, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self._endpoint = f"endpoints/{quote(config.endpoint_name, safe='')}"
        self._hosted = hosted_provider(name, config.hosted_provider, config.model_name)

    @property
    def thought_type(self) -> str:
        return self._hosted.thought_type

    def path(self, *, stream: bool) -> str:
        return f"{self._endpoint}/invocations-response-stream" if stream else f"{self._endpoint}/invocations"

    def body(self, call: ModelRequest) -> dict[str, Any]:
        return self._hosted.body(call)

    def forwards_url(self, file: File, call: ModelRequest) -> bool:
        return self._hosted.forwards_url(file, call)

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        return self._hosted.response(call, headers, body)

    def decoder(self, call: ModelRequest) -> "PayloadStream":
        return PayloadStream(self, self._hosted.decoder(call), self.error_name)


class PayloadStream(MessageDecoder):
    """Unpacks the hosted server's own stream: the payloads, one after the other, are its bytes."""

    def __init__(self, provider: AWSSageMaker, hosted: StreamDecoder, error_name: str) -> None:
        super().__init__(provider, error_name)
        self._hosted = hosted

    def on_event(self, event_type: str, payload: bytes) -> list[Chunk | ProviderFailure]:
        if event_type != "PayloadPart":
            warn_once(f"Events of type `{event_type}` in streams of AWS SageMaker are ignored")
            return []
        items = self._hosted.feed(payload)
        self.done = self._hosted.done
        return items

    def end(self) -> list[Chunk | ProviderFailure]:
        rest = [] if self.done else self._hosted.end()
        return [*rest, *super().end()]
