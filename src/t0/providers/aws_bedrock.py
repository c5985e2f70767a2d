"""AWS Bedrock: its configuration; calls are not supported yet."""

from typing import ClassVar

from t0.config.credentials import parse_location
from t0.errors import ConfigError
from t0.providers.aws import AWSConfig
from t0.providers.base import Provider


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


class AWSBedrock(Provider):
    type = "aws_bedrock"
    label = "AWS Bedrock"
    Config = AWSBedrockConfig
    supported = False
