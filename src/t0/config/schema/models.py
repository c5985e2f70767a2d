"""`[models.M]`, `[embedding_models.E]` and `[provider_types.T]`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Struct

from t0.config.decode import Decoder, Shape
from t0.config.fields import NOT_YET, SECRET, U64, CredentialLocation, Namespace, Parsed
from t0.config.schema.common import ProviderConfig, Timeouts
from t0.config.values import expect, one_of
from t0.errors import ConfigError


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`routing` names the providers in the order in which they are tried."""

    routing: list[str]
    providers: dict[str, ProviderConfig]
    timeouts: Timeouts = Timeouts()
    skip_relay: bool = False
    namespace: Namespace | None = None


EMBEDDING_PROVIDER_TYPES = ("openai", "azure", "openrouter", "dummy")
EMBEDDING_SHORTHANDS = ("openai::", "openrouter::", "dummy::")


class EmbeddingProvider(Struct, frozen=True):
    """One provider of an embedding model: `provider` is what a model's provider of the same type would have."""

    timeout_ms: int | None
    provider: ProviderConfig


class _EmbeddingKeys(Struct, frozen=True):
    timeout_ms: U64 | None = None


def _parse_embedding_provider(decoder: Decoder, value: Any, path: str) -> EmbeddingProvider:
    table = expect(dict, value, path, "a table")
    if table.get("type") not in (*EMBEDDING_PROVIDER_TYPES, None):
        text = f"Unsupported provider config for embedding: `{table['type']}`, {one_of(EMBEDDING_PROVIDER_TYPES)}"
        raise ConfigError(text, key=path)
    keys = decoder.struct(_EmbeddingKeys, table, path)
    chat_only = ("timeouts", "batch_cost", "discard_unknown_chunks")
    provider = decoder.table(ProviderConfig, table, path, Shape(without=chat_only, beside=("timeout_ms",)))
    return EmbeddingProvider(timeout_ms=keys.timeout_ms, provider=provider)


EmbeddingProviderEntry = Annotated[EmbeddingProvider, Parsed(_parse_embedding_provider)]


class EmbeddingModelConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    routing: list[str]
    providers: dict[str, EmbeddingProviderEntry]
    timeout_ms: U64 | None = None


class ApiKeyDefaults(Struct, frozen=True):
    api_key_location: CredentialLocation


class GcpDefaults(Struct, frozen=True, forbid_unknown_fields=True):
    credential_location: CredentialLocation


class ProviderType(Struct, frozen=True):
    defaults: ApiKeyDefaults | None = None


class FireworksSft(Struct, frozen=True, forbid_unknown_fields=True):
    account_id: str


class FireworksType(Struct, frozen=True):
    defaults: ApiKeyDefaults | None = None
    sft: Annotated[FireworksSft | None, NOT_YET] = None


class TogetherSft(Struct, frozen=True, forbid_unknown_fields=True):
    wandb_api_key: Annotated[str, SECRET] | None = None
    wandb_base_url: str | None = None
    wandb_project_name: str | None = None
    hf_api_token: Annotated[str, SECRET] | None = None


class TogetherType(Struct, frozen=True):
    defaults: ApiKeyDefaults | None = None
    sft: Annotated[TogetherSft | None, NOT_YET] = None


class GcpSft(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    project_id: str
    region: str
    bucket_name: str
    bucket_path_prefix: str | None = None
    service_account: str | None = None
    kms_key_name: str | None = None


class GcpBatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    storage_type: Literal["none", "cloud_storage"]
    input_uri_prefix: str | None = None
    output_uri_prefix: str | None = None

    def check(self, path: str) -> None:
        prefixes = {"input_uri_prefix": self.input_uri_prefix, "output_uri_prefix": self.output_uri_prefix}
        for key, value in prefixes.items():
            if self.storage_type == "cloud_storage" and value is None:
                raise ConfigError(f"missing field `{key}`", key=path)
            if self.storage_type == "none" and value is not None:
                raise ConfigError(f'unknown field `{key}` with `storage_type = "none"`', key=path)


class GeminiType(Struct, frozen=True, forbid_unknown_fields=True):
    defaults: GcpDefaults | None = None
    sft: Annotated[GcpSft | None, NOT_YET] = None
    batch: GcpBatch | None = None


class GcpAnthropicType(Struct, frozen=True, forbid_unknown_fields=True):
    defaults: GcpDefaults | None = None


class ProviderTypes(Struct, frozen=True, forbid_unknown_fields=True):
    anthropic: ProviderType = ProviderType()
    azure: ProviderType = ProviderType()
    deepseek: ProviderType = ProviderType()
    fireworks: FireworksType = FireworksType()
    gcp_vertex_gemini: GeminiType = GeminiType()
    gcp_vertex_anthropic: GcpAnthropicType = GcpAnthropicType()
    google_ai_studio_gemini: ProviderType = ProviderType()
    groq: ProviderType = ProviderType()
    hyperbolic: ProviderType = ProviderType()
    mistral: ProviderType = ProviderType()
    openai: ProviderType = ProviderType()
    openrouter: ProviderType = ProviderType()
    sglang: ProviderType = ProviderType()
    tgi: ProviderType = ProviderType()
    together: TogetherType = TogetherType()
    vllm: ProviderType = ProviderType()
    xai: ProviderType = ProviderType()

    def credential_locations(self) -> dict[str, str | dict[str, str]]:
        """The default credential location of each provider type that sets one."""
        found = {name: getattr(self, name).defaults for name in self.__struct_fields__}
        return {name: getattr(d, d.__struct_fields__[0]) for name, d in found.items() if d is not None}
