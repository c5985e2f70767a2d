"""AWS SageMaker: its configuration; calls are not supported yet."""

from typing import ClassVar, Literal

from t0.providers.aws import AWSConfig
from t0.providers.base import Provider


class AWSSageMakerConfig(AWSConfig, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "aws_sagemaker"

    endpoint_name: str
    model_name: str
    hosted_provider: Literal["openai", "tgi"]


class AWSSageMaker(Provider):
    type = "aws_sagemaker"
    label = "AWS SageMaker"
    Config = AWSSageMakerConfig
    supported = False
