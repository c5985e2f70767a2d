"""Refused configurations: `[models]`, `[embedding_models]`, `[provider_types]`."""

import pytest

from unit.config.build import GATEWAY, MODEL, provider_keys, variant_keys
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(("[models.m]\nproviders = {}"), "models.m: missing field `routing`", id="routing_missing"),
        pytest.param(('[models.m]\nrouting = ["p"]'), "models.m: missing field `providers`", id="providers_missing"),
        pytest.param(
            ("[models.m]\nrouting = []\nproviders = {}"), "models.m: `routing` must not be empty", id="routing_empty"
        ),
        pytest.param(
            MODEL.replace('["p"]', '["p", "p"]'), "models.m.routing: duplicate entry `p`", id="routing_duplicate"
        ),
        pytest.param(
            MODEL.replace('["p"]', '["p", "q"]'),
            "models.m: `routing` contains entry `q` that does not exist in `providers`",
            id="routing_unknown",
        ),
        pytest.param(
            MODEL + 'providers.q = { type = "openai", model_name = "x" }',
            "models.m: Provider `q` is not listed in `routing`",
            id="provider_unlisted",
        ),
        pytest.param(
            MODEL.replace('["p"]', '["tensorzero::p"]').replace("providers.p", 'providers."tensorzero::p"'),
            "models.m.routing: Provider name cannot start with 'tensorzero::': tensorzero::p",
            id="provider_reserved",
        ),
        pytest.param(
            ('[models.m]\nrouting = ["p"]\nproviders.p = {}'),
            "models.m.providers.p: TensorZeroDerive: missing tag field `type`",
            id="provider_type_missing",
        ),
        pytest.param(
            provider_keys("zzz = 1"),
            (
                "models.m.providers.p.zzz: unknown field `zzz` for type `openai`, expected one of `timeouts`, "
                "`extra_body`, `extra_headers`, `discard_unknown_chunks`, `cost`, `batch_cost`, `api_key_location`, "
                "`model_name`, `api_base`, `api_type`, `include_encrypted_reasoning`, `provider_tools`, "
                "`content_type_overrides`"
            ),
            id="provider_unknown_key",
        ),
        pytest.param(
            ('[models.m]\nrouting = ["p"]\nproviders.p = { type = "openai" }'),
            "models.m.providers.p: missing field `model_name`",
            id="provider_model_name_missing",
        ),
        pytest.param(
            MODEL + "zzz = 1",
            (
                "models.m.zzz: unknown field `zzz`, expected one of `routing`, `providers`, `timeouts`, "
                "`skip_relay`, `namespace`"
            ),
            id="model_unknown_key",
        ),
        pytest.param(
            MODEL.replace("models.m", 'models."openai::m"'),
            "models.openai::m: Model name 'openai::m' contains a reserved prefix",
            id="model_reserved_prefix",
        ),
        pytest.param(
            MODEL.replace("models.m", 'models."tensorzero::m"'),
            "models.tensorzero::m: Model name 'tensorzero::m' contains a reserved prefix",
            id="model_reserved_tensorzero",
        ),
        pytest.param(
            MODEL.replace("models.m", 'embedding_models."openai::m"'),
            "embedding_models.openai::m: Embedding model name 'openai::m' contains a reserved prefix",
            id="embedding_model_reserved",
        ),
        pytest.param(
            MODEL + 'namespace = ""', "models.m.namespace: Namespace identifier cannot be empty", id="namespace_empty"
        ),
        pytest.param(
            MODEL + 'namespace = "tensorzero::a"',
            "models.m.namespace: Namespace identifier cannot start with `tensorzero::`: tensorzero::a",
            id="namespace_reserved",
        ),
        pytest.param(
            GATEWAY + "global_outbound_http_timeout_ms = 5\n" + MODEL + "timeouts.non_streaming.total_ms = 6",
            (
                "models.m: The `timeouts.non_streaming.total_ms` value `6` is greater than "
                "`gateway.global_outbound_http_timeout_ms`: `5`"
            ),
            id="timeout_above_ceiling",
        ),
        pytest.param(
            GATEWAY
            + "global_outbound_http_timeout_ms = 5\n"
            + provider_keys("timeouts = { streaming = { ttft_ms = 6 } }"),
            (
                "models.m.providers.p: The `timeouts.streaming.ttft_ms` value `6` is greater than "
                "`gateway.global_outbound_http_timeout_ms`: `5`"
            ),
            id="provider_timeout_above_ceiling",
        ),
        pytest.param(
            GATEWAY + "global_outbound_http_timeout_ms = 5\n" + variant_keys("timeouts.streaming.total_ms = 6"),
            (
                "functions.f.variants.v: The `timeouts.streaming.total_ms` value `6` is greater than "
                "`gateway.global_outbound_http_timeout_ms`: `5`"
            ),
            id="variant_timeout_above_ceiling",
        ),
        pytest.param(
            provider_keys('extra_body = [{ pointer = "/a" }]'),
            "models.m.providers.p.extra_body[0]: expected exactly one of `value` and `delete = true`",
            id="extra_body_nothing",
        ),
        pytest.param(
            provider_keys('extra_body = [{ pointer = "/a", value = 1, delete = true }]'),
            "models.m.providers.p.extra_body[0]: expected exactly one of `value` and `delete = true`",
            id="extra_body_both",
        ),
        pytest.param(
            provider_keys('extra_body = [{ pointer = "/a", delete = false }]'),
            "models.m.providers.p.extra_body[0]: `delete` can only be `true`, got `false`",
            id="extra_body_delete_false",
        ),
        pytest.param(
            provider_keys("extra_body = [{ value = 1 }]"),
            "models.m.providers.p.extra_body[0]: missing field `pointer`",
            id="extra_body_no_pointer",
        ),
        pytest.param(
            provider_keys('extra_headers = [{ name = "a", value = 1 }]'),
            "models.m.providers.p.extra_headers[0].value: invalid type: integer `1`, expected a string",
            id="extra_header_not_string",
        ),
        pytest.param(
            '[embedding_models.e]\nrouting = ["p"]\nproviders.p = { type = "anthropic", model_name = "x" }',
            (
                "embedding_models.e.providers.p: Unsupported provider config for embedding: `anthropic`, "
                "expected one of `openai`, `azure`, `openrouter`, `dummy`"
            ),
            id="embedding_provider_type",
        ),
        pytest.param(
            '[embedding_models.e]\nrouting = ["p"]\nproviders.p = { type = "openai", model_name = "x", timeouts = {} }',
            (
                "embedding_models.e.providers.p.timeouts: unknown field `timeouts` for type `openai`, expected one of "
                "`extra_body`, `extra_headers`, `cost`, `api_key_location`, `model_name`, `api_base`, "
                "`api_type`, `include_encrypted_reasoning`, `provider_tools`, `content_type_overrides`, "
                "`timeout_ms`"
            ),
            id="embedding_provider_timeouts",
        ),
        pytest.param(
            "[embedding_models.e]\nrouting = []\nproviders = {}\ntimeouts = {}",
            (
                "embedding_models.e.timeouts: unknown field `timeouts`, expected one of `routing`, "
                "`providers`, `timeout_ms`"
            ),
            id="embedding_model_timeouts",
        ),
        pytest.param(
            "[provider_types.zzz]\n",
            (
                "provider_types.zzz: unknown field `zzz`, expected one of `anthropic`, `azure`, `deepseek`, "
                "`fireworks`, `gcp_vertex_gemini`, `gcp_vertex_anthropic`, `google_ai_studio_gemini`, "
                "`groq`, `hyperbolic`, `mistral`, `openai`, `openrouter`, `sglang`, `tgi`, `together`, "
                "`vllm`, `xai`"
            ),
            id="provider_types_unknown",
        ),
        pytest.param(
            "[provider_types.openai.defaults]\n",
            "provider_types.openai.defaults: missing field `api_key_location`",
            id="provider_types_empty_defaults",
        ),
        pytest.param(
            '[provider_types.openai.defaults]\napi_key_location = "zzz"',
            (
                "provider_types.openai.defaults.api_key_location: Invalid credential location format: `zzz`. "
                "Use `env::VAR_NAME`, `path::FILE_PATH`, `dynamic::KEY_NAME`, or `sdk`."
            ),
            id="provider_types_bad_location",
        ),
        pytest.param(
            "[provider_types.gcp_vertex_gemini]\nzzz = 1",
            ("provider_types.gcp_vertex_gemini.zzz: unknown field `zzz`, expected one of `defaults`, `sft`, `batch`"),
            id="provider_types_gcp_unknown",
        ),
        pytest.param(
            '[provider_types.gcp_vertex_gemini.batch]\nstorage_type = "cloud_storage"\ninput_uri_prefix = "gs://a"',
            "provider_types.gcp_vertex_gemini.batch: missing field `output_uri_prefix`",
            id="gcp_batch_prefix",
        ),
        pytest.param(
            '[provider_types.gcp_vertex_gemini.batch]\nstorage_type = "none"\ninput_uri_prefix = "gs://a"',
            ('provider_types.gcp_vertex_gemini.batch: unknown field `input_uri_prefix` with `storage_type = "none"`'),
            id="gcp_batch_none",
        ),
        pytest.param(
            "[provider_types.fireworks.sft]\n",
            "provider_types.fireworks.sft: missing field `account_id`",
            id="fireworks_account",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
