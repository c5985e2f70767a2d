"""The servers that a SageMaker endpoint may host: the mappings of their own providers, under SageMaker's name."""

from t0.config.credentials import CredentialStore
from t0.providers.openai import OpenAI, OpenAIConfig
from t0.providers.openai_compatible import OpenAICompatible
from t0.providers.tgi import TGI, TGIConfig

NOWHERE = "https://sagemaker.invalid/"
"""The address of a mapping that never sends anything."""


class HostedOpenAI(OpenAI):
    type = "aws_sagemaker"
    thought_type = "aws_sagemaker::openai"


class HostedTGI(TGI):
    type = "aws_sagemaker"
    thought_type = "aws_sagemaker::tgi"
    raw_bodies_in_errors = (True, True)


def hosted_provider(name: str, hosted: str, model_name: str) -> OpenAICompatible:
    """The mapping of the server `hosted` (`openai` or `tgi`), for the SageMaker provider `name`."""
    nothing = CredentialStore({})
    if hosted == "tgi":
        return HostedTGI(name, TGIConfig(api_base=NOWHERE, api_key_location="none"), nothing)
    return HostedOpenAI(name, OpenAIConfig(model_name=model_name, api_key_location="none"), nothing)
