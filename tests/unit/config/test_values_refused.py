"""Refused configurations: What a value may be: types, ranges, names of keys."""

import pytest

from unit.config.build import GATEWAY, variant_keys
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            "[zzz]\n",
            (
                "zzz: unknown field `zzz`, expected one of `gateway`, `clickhouse`, `postgres`, "
                "`rate_limiting`, `object_storage`, `models`, `embedding_models`, `functions`, `metrics`, "
                "`tools`, `evaluations`, `provider_types`, `optimizers`, `autopilot`"
            ),
            id="unknown_section",
        ),
        pytest.param("gateway = 1", "gateway: Expected a table, found integer", id="section_not_table"),
        pytest.param(
            variant_keys('temperature = "1"'),
            'functions.f.variants.v.temperature: invalid type: string "1", expected f32',
            id="string_for_float",
        ),
        pytest.param(
            variant_keys("max_tokens = 1.0"),
            "functions.f.variants.v.max_tokens: invalid type: floating point `1.0`, expected u32",
            id="float_for_u32",
        ),
        pytest.param(
            variant_keys("max_tokens = true"),
            "functions.f.variants.v.max_tokens: invalid type: boolean `true`, expected u32",
            id="bool_for_u32",
        ),
        pytest.param(
            variant_keys("max_tokens = -1"),
            "functions.f.variants.v.max_tokens: invalid value: integer `-1`, expected u32",
            id="negative_u32",
        ),
        pytest.param(
            variant_keys("seed = 4294967296"),
            "functions.f.variants.v.seed: invalid value: integer `4294967296`, expected u32",
            id="u32_too_big",
        ),
        pytest.param(
            variant_keys("thinking_budget_tokens = 2147483648"),
            ("functions.f.variants.v.thinking_budget_tokens: invalid value: integer `2147483648`, expected i32"),
            id="i32_too_big",
        ),
        pytest.param(
            variant_keys("reasoning_effort = 1"),
            "functions.f.variants.v.reasoning_effort: invalid type: integer `1`, expected a string",
            id="integer_for_string",
        ),
        pytest.param(
            GATEWAY + 'debug = "true"',
            'gateway.debug: invalid type: string "true", expected a boolean',
            id="string_for_bool",
        ),
        pytest.param(
            variant_keys("reasoning_effort = 1979-05-27T07:32:00Z"),
            (
                "functions.f.variants.v.reasoning_effort: invalid type: datetime "
                "`1979-05-27T07:32:00+00:00`, expected a string"
            ),
            id="datetime_for_string",
        ),
        pytest.param(
            variant_keys("stop_sequences = {}"),
            "functions.f.variants.v.stop_sequences: invalid type: map, expected a sequence",
            id="table_for_list",
        ),
        pytest.param(
            variant_keys('stop_sequences = ["a", 1]'),
            "functions.f.variants.v.stop_sequences[1]: invalid type: integer `1`, expected a string",
            id="wrong_list_item",
        ),
        pytest.param("[models]\nm = []", "models.m: invalid type: sequence, expected a table", id="list_for_table"),
        pytest.param(
            '[metrics.x]\ntype = "bool"\noptimize = "max"\nlevel = "inference"',
            "metrics.x.type: unknown variant `bool`, expected `boolean` or `float`",
            id="unknown_enum_of_two",
        ),
        pytest.param(
            variant_keys('service_tier = "fast"'),
            (
                "functions.f.variants.v.service_tier: unknown variant `fast`, expected one of `auto`, "
                "`default`, `priority`, `flex`"
            ),
            id="unknown_enum_of_many",
        ),
        pytest.param(
            variant_keys("service_tier = 1"),
            "functions.f.variants.v.service_tier: invalid type: integer `1`, expected a string",
            id="enum_not_string",
        ),
        pytest.param(
            '[metrics.x]\ntype = "boolean"\nlevel = "inference"',
            "metrics.x: missing field `optimize`",
            id="missing_field",
        ),
        pytest.param(
            variant_keys("zzz = 1"),
            (
                "functions.f.variants.v.zzz: unknown field `zzz` for type `chat_completion`, expected one of "
                "`timeouts`, `namespace`, `weight`, `model`, `temperature`, `top_p`, `presence_penalty`, "
                "`frequency_penalty`, "
                "`max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, "
                "`thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, `extra_headers`, "
                "`system_template`, `user_template`, `assistant_template`, `templates`, `input_wrappers`, "
                "`service_tier`"
            ),
            id="unknown_field",
        ),
        pytest.param(
            variant_keys("timeouts.streaming.zzz = 1"),
            ("functions.f.variants.v.timeouts.streaming.zzz: unknown field `zzz`, expected `ttft_ms` or `total_ms`"),
            id="unknown_field_deep",
        ),
        pytest.param(
            "[functions.f]\nvariants = {}", "functions.f: TensorZeroDerive: missing tag field `type`", id="type_missing"
        ),
        pytest.param(
            "[functions.f]\ntype = 1\nvariants = {}",
            "functions.f: invalid type: integer `1`, expected a string",
            id="type_not_string",
        ),
        pytest.param(
            '[functions.f]\ntype = "zzz"\nvariants = {}',
            "functions.f: unknown variant `zzz`, expected `chat` or `json`",
            id="type_unknown",
        ),
        pytest.param(
            "[postgres]\ninference_data_retention_days = 1\ninference_retention_days = 1",
            ("postgres: duplicate field `inference_data_retention_days`, also given as `inference_retention_days`"),
            id="duplicate_alias",
        ),
        pytest.param(
            variant_keys('extra_body = [{ pointer = "/a", value = { b = [nan] } }]'),
            ("functions.f.variants.v.extra_body[0].value.b[0]: `nan` has no JSON form, expected a finite number"),
            id="nan_in_json",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
