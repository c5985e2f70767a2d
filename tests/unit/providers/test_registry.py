"""Which providers there are, and what their configuration refuses."""

from pathlib import Path
from typing import Any

import pytest

from t0.config.load import load
from t0.errors import ConfigError
from t0.kinds import all_kinds
from t0.providers.registry import provider_class, provider_classes, provider_configs
from t0.providers.shorthand import is_shorthand, shorthand_config

TYPES = {
    *("aws_bedrock", "aws_sagemaker"),
    *("anthropic", "azure", "deepseek", "dummy", "fireworks", "groq", "hyperbolic", "mistral", "openai", "openrouter"),
    *("gcp_vertex_anthropic", "gcp_vertex_gemini", "google_ai_studio_gemini"),
    *("sglang", "tgi", "together", "vllm", "xai"),
}


def test_all_types_are_found() -> None:
    assert provider_classes().keys() == TYPES
    assert all(cls.supported for cls in provider_classes().values())
    assert provider_configs() == {name: cls.Config for name, cls in provider_classes().items()}


def test_unknown_type() -> None:
    with pytest.raises(ConfigError, match="unknown variant `nope`, expected one of `anthropic`, `aws_bedrock`"):
        provider_class("nope")


def error_of(tmp_path: Path, table: str) -> str:
    """What the configuration says about `[models.m.providers.p]`; empty when it is fine."""
    (tmp_path / "tensorzero.toml").write_text(f'[models.m]\nrouting = ["p"]\n[models.m.providers.p]\n{table}\n')
    try:
        load(str(tmp_path / "tensorzero.toml"), all_kinds(), {})
    except ConfigError as e:
        return str(e).partition(" (in ")[0]
    return ""


BEDROCK = 'type = "aws_bedrock"\nmodel_id = "m"\nregion = "us-east-1"\n'
P = "models.m.providers.p"
SAME_KIND = "must use the same source type (both `env::`, both `dynamic::`, or both `sdk`)"


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ('type = "openai"\nmodel_name = "m"', ""),
        ('type = "openai"', f"{P}: missing field `model_name`"),
        ('type = "openai"\nmodel_name = "m"\napi_base = "x"', f'{P}.api_base: relative URL without a base: "x"'),
        (
            'type = "openai"\nmodel_name = "m"\ninclude_encrypted_reasoning = true',
            f'{P}: `include_encrypted_reasoning` is only supported when `api_type = "responses"`',
        ),
        (
            'type = "openai"\nmodel_name = "m"\nprovider_tools = [{ type = "web_search" }]',
            f"{P}: `provider_tools` are provided for an OpenAI provider but Responses API is not enabled. "
            "These will be ignored.",
        ),
        ('type = "openai"\nmodel_name = "m"\napi_type = "responses"\nprovider_tools = [{ type = "web_search" }]', ""),
        ('type = "vllm"\nmodel_name = "m"', f"{P}: missing field `api_base`"),
        (
            'type = "dummy"\nmodel_name = "m"\napi_key_location = "env::X"',
            f"{P}: Invalid api_key_location for Dummy provider",
        ),
        (
            'type = "gcp_vertex_gemini"\nlocation = "l"\nproject_id = "p"',
            f"{P}: Exactly one of model_id or endpoint_id must be provided",
        ),
        (
            'type = "gcp_vertex_anthropic"\nmodel_id = "m"\nlocation = "l"\nproject_id = "p"\n'
            'credential_location = { default = "dynamic::k", fallback = "none" }',
            f"{P}: Error in acquiring GCP credentials: Invalid credential_location for GCPVertexAnthropic provider",
        ),
        (
            'type = "aws_sagemaker"\nendpoint_name = "e"\nmodel_name = "m"\nhosted_provider = "zzz"\nregion = "r"',
            f"{P}.hosted_provider: unknown variant `zzz`, expected `openai` or `tgi`",
        ),
        (
            'type = "aws_bedrock"\nmodel_id = "m"',
            f'{P}: AWS aws_bedrock provider requires a region. Use region = "sdk" to enable auto-detection, '
            "or name a region",
        ),
        (BEDROCK + 'endpoint_url = "sdk"', f'{P}: endpoint_url = "sdk" is not supported for `aws_bedrock`'),
        (
            BEDROCK + 'access_key_id = "literal"\nsecret_access_key = "env::X"',
            f"{P}: Invalid `access_key_id` for `aws_bedrock` provider: only `env::`, `dynamic::`, "
            "and `sdk` are supported.",
        ),
        (
            BEDROCK + 'access_key_id = "env::X"',
            f"{P}: `access_key_id` requires `secret_access_key` to also be specified for `aws_bedrock`",
        ),
        (
            BEDROCK + 'secret_access_key = "env::X"',
            f"{P}: `secret_access_key` requires `access_key_id` to also be specified for `aws_bedrock`",
        ),
        (
            BEDROCK + 'session_token = "env::X"',
            f"{P}: `session_token` cannot be specified without `access_key_id` and `secret_access_key` "
            "for `aws_bedrock`",
        ),
        (
            BEDROCK + 'access_key_id = "env::X"\nsecret_access_key = "dynamic::Y"',
            f"{P}: `access_key_id` and `secret_access_key` {SAME_KIND} for `aws_bedrock`",
        ),
        (
            BEDROCK + 'access_key_id = "env::X"\nsecret_access_key = "env::Y"\nsession_token = "dynamic::Z"',
            f"{P}: When using `env::` for `access_key_id` and `secret_access_key`, `session_token` must also use "
            "`env::` or be omitted for `aws_bedrock`",
        ),
        (
            BEDROCK + 'api_key = "env::X"\naccess_key_id = "env::X"\nsecret_access_key = "env::Y"',
            f"{P}: Cannot specify both `api_key` and IAM credentials (`access_key_id`/`secret_access_key`) "
            "for `aws_bedrock`",
        ),
        (
            BEDROCK + 'api_key = "sdk"',
            f"{P}: Unsupported credential location for `api_key` in `aws_bedrock`. Use `env::` or `dynamic::`.",
        ),
        (BEDROCK, ""),
    ],
)
def test_configuration(tmp_path: Path, table: str, error: str) -> None:
    assert error_of(tmp_path, table) == error


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai::gpt-x", ("openai", "gpt-x", "chat_completions")),
        ("openai::responses::gpt-x", ("openai", "gpt-x", "responses")),
        ("openrouter::vendor::m", ("openrouter", "vendor::m", None)),
    ],
)
def test_shorthand(name: str, expected: Any) -> None:
    assert is_shorthand(name)
    config: Any = shorthand_config(name)
    assert (config.type, config.model_name, getattr(config, "api_type", None)) == expected


@pytest.mark.parametrize("name", ["gpt-x", "openai", "vllm::m", "azure::d", "tensorzero::model"])
def test_names_that_are_no_shorthand(name: str) -> None:
    assert not is_shorthand(name)
