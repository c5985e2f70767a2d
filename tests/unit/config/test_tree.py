"""Accepted configurations: what they decode to, in whichever spelling they are written."""

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from t0.config.decode import Decoder
from t0.config.judges import evaluator_metrics, judge_functions
from t0.config.keys import all_keys
from t0.config.load import check, load
from t0.config.schema import (
    ChatFunctionConfig,
    Config,
    Experimentation,
    JsonFunctionConfig,
    MetricConfig,
    NonStreamingTimeouts,
    Retries,
    StreamingTimeouts,
    TemplateRef,
    Timeouts,
    ToolDefinition,
)
from t0.config.schema.gateway import parse_socket_address
from t0.config.schema.limits import ApiKeyScope, RateLimit, RateLimitRule, S3Storage, TagScope
from t0.config.templates import build_templates, template_files
from t0.config.values import SourceFile
from t0.errors import ConfigError
from t0.kinds import all_kinds
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.params import ChatCompletionParams
from t0.types.tools import SpecificTool
from t0.variants.chat_completion import ChatCompletionConfig
from unit.config.build import (
    CHAT,
    GATEWAY,
    JSON,
    JUDGE_CALL,
    JUDGE_VARIANT,
    METRIC,
    MODEL,
    best_of_n,
    dicl,
    evaluator,
    experiment,
    function_keys,
    judge,
    judge_part,
    mixture_of_n,
    namespaced,
    optimizer,
    rule,
    variant_keys,
)
from unit.config.conftest import Read


def test_defaults() -> None:
    config = load(None, all_kinds(), {})
    assert config == Config()
    assert config.gateway.route_prefix == ""
    assert config.gateway.global_outbound_http_timeout_ms == 900_000
    assert config.gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets == [0.001, 0.01, 0.1]
    assert config.gateway.observability.async_writes is True


@pytest.mark.parametrize("section", ["clickhouse", "gateway.observability"])
def test_automatic_migrations(section: str, read: Read) -> None:
    assert read("").config.automatic_migrations is True
    assert read(f"{section}.disable_automatic_migrations = true").config.automatic_migrations is False


def test_every_annotation_is_understood() -> None:
    """A struct anywhere may only use types that the decoder knows: a value of no type at all is our error."""
    for key in all_keys(all_kinds()):
        with suppress(ConfigError):
            Decoder(all_kinds()).decode(key.field.annotation, object(), key.path)


def test_function_and_variant(read: Read) -> None:
    toml = (
        function_keys(
            'description = "d"\ntools = ["t", "t"]\ntool_choice = { specific = "t" }\nparallel_tool_calls = true'
        )
        + """
temperature = 1
stop_sequences = ["a"]
service_tier = "flex"
reasoning_effort = "minimal"
thinking_budget_tokens = -1
retries = { num_retries = 2, max_delay_s = 1, ignored = true }
timeouts = { non_streaming.total_ms = 5, streaming = { ttft_ms = 6 } }
extra_body = [
  { pointer = "/a", value = { d = 1979-05-27T07:32:00Z, t = [07:32:00] } },
  { pointer = "/b", delete = true },
]
extra_headers = [{ name = "A", value = "b" }, { name = "C", delete = true }]
[tools.t]
description = "d"
parameters = "any.json"
name = "shown"
"""
    )
    config = read(toml).config
    function = config.functions["f"]
    assert isinstance(function, ChatFunctionConfig)
    assert (function.tools, function.tool_choice) == (["t", "t"], SpecificTool("t"))
    assert function.parallel_tool_calls is True
    parameters = config.tools["t"].parameters
    assert config.tools["t"] == ToolDefinition(description="d", parameters=parameters, name="shown", strict=False)
    assert parameters.body == "{}"
    variant = function.variants["v"]
    assert variant == ChatCompletionConfig(
        model="m",
        temperature=1.0,
        stop_sequences=["a"],
        service_tier="flex",
        reasoning_effort="minimal",
        thinking_budget_tokens=-1,
        retries=Retries(num_retries=2, max_delay_s=1.0),
        timeouts=Timeouts(NonStreamingTimeouts(5), StreamingTimeouts(ttft_ms=6)),
        extra_body=[
            ExtraBody(pointer="/a", value={"d": "1979-05-27T07:32:00Z", "t": ["07:32:00"]}),
            ExtraBody(pointer="/b", delete=True),
        ],
        extra_headers=[ExtraHeader(name="A", value="b"), ExtraHeader(name="C", delete=True)],
    )
    assert variant.params == ChatCompletionParams(
        temperature=1.0,
        stop_sequences=["a"],
        service_tier="flex",
        reasoning_effort="minimal",
        thinking_budget_tokens=-1,
    )
    assert variant.timeouts.limits() == {"non_streaming.total_ms": 5, "streaming.ttft_ms": 6}


@pytest.mark.parametrize(
    ("keys", "legacy"),
    [
        pytest.param('user_template = "ok.j"', True, id="older_spelling"),
        pytest.param('input_wrappers.user = "ok.j"', True, id="wrapper"),
        pytest.param('templates.user.path = "ok.j"', False, id="newer_spelling"),
    ],
)
def test_template_spellings(keys: str, legacy: bool, folder: Path, read: Read) -> None:
    config = read(variant_keys(keys)).config
    file = SourceFile(key="ok.j", path=str(folder / "ok.j"), body="{{ user_text }}")
    assert config.functions["f"].variants["v"].templates == {"user": TemplateRef(file, legacy)}
    assert template_files(config) == {"ok.j": file}
    assert build_templates(config).sources() == {"ok.j": "{{ user_text }}"}


@pytest.mark.parametrize("keys", ['user_schema = "any.json"', 'schemas.user.path = "any.json"'])
@pytest.mark.parametrize("template", ['user_template = "other.j"', 'templates.user.path = "other.j"'])
def test_schema_and_template_pair_in_any_spelling(keys: str, template: str, read: Read) -> None:
    """A template with a schema may use any variable."""
    function = read(function_keys(keys) + template).config.functions["f"]
    assert {name: file.body for name, file in function.schemas.items()} == {"user": "{}"}


def test_json_function(read: Read) -> None:
    toml = JSON.replace('type = "json"\n', 'type = "json"\noutput_schema = "any.json"\n')
    function = read(toml.replace('"on"', '"implicit_tool"')).config.functions["f"]
    assert isinstance(function, JsonFunctionConfig)
    assert function.output_schema is not None
    assert function.output_schema.key == "any.json"
    assert function.variants["v"] == ChatCompletionConfig(model="m", json_mode="tool")


@pytest.mark.parametrize("model", ["openai::gpt-4.1", "anthropic::x", "openai::responses::gpt-5"])
def test_shorthand_models_are_not_looked_at(model: str, read: Read) -> None:
    assert read(CHAT.replace('model = "m"', f'model = "{model}"')).not_yet == {}


# -- experiments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "weights", "fallbacks"),
    [
        pytest.param('type = "static"\ncandidate_variants = ["v", "w"]', {"v": 1.0, "w": 1.0}, [], id="static_list"),
        pytest.param(
            'type = "static"\ncandidate_variants = { v = 1 }\nfallback_variants = ["w"]',
            {"v": 1.0},
            ["w"],
            id="static_map",
        ),
        pytest.param(
            'type = "static"\ncandidate_variants = {}\nfallback_variants = ["w"]', {}, ["w"], id="static_fallbacks_only"
        ),
        pytest.param(
            'type = "static_weights"\ncandidate_variants = { v = 0.5, w = 0 }',
            {"v": 0.5, "w": 0.0},
            [],
            id="static_weights",
        ),
        pytest.param('type = "uniform"\nignored = 1', None, [], id="uniform_all"),
        pytest.param('type = "uniform"\ncandidate_variants = ["v"]', {"v": 1.0}, [], id="uniform_some"),
        pytest.param('type = "uniform"\nfallback_variants = ["w", "v"]', {}, ["w", "v"], id="uniform_fallbacks_only"),
    ],
)
def test_experiments(keys: str, weights: dict[str, float] | None, fallbacks: list[str], read: Read) -> None:
    checked = read(experiment(keys))
    rules = checked.config.functions["f"].experimentation
    assert isinstance(rules, Experimentation)
    assert (rules.base.weights, rules.base.fallbacks, rules.namespaces) == (weights, fallbacks, {})
    assert checked.not_yet == {}


@pytest.mark.parametrize("kind", ["adaptive", "track_and_stop"])
def test_adaptive_experiments_wait_for_their_feature(kind: str, read: Read) -> None:
    toml = experiment(f'type = "{kind}"\nmetric = "x"\ncandidate_variants = ["v"]\nfallback_variants = ["w"]') + METRIC
    checked = read(toml, {"TENSORZERO_POSTGRES_URL": "postgres://x"})
    rules = checked.config.functions["f"].experimentation
    assert isinstance(rules, Experimentation)
    assert (rules.base.weights, rules.base.fallbacks, rules.base.metric_name) == ({"v": 1.0}, ["w"], "x")
    assert checked.not_yet == {"functions.f.experimentation": f"t0 does not support the type `{kind}` yet"}


def test_namespaces(read: Read) -> None:
    keys = 'type = "static"\ncandidate_variants = ["v"]\n[functions.f.experimentation.namespaces.a]\n'
    toml = experiment(f'{keys}type = "static"\ncandidate_variants = {{ n = 0.9, v = 0.1 }}') + namespaced("a")
    rules = read(toml).config.functions["f"].experimentation
    assert isinstance(rules, Experimentation)
    assert {n: e.weights for n, e in rules.namespaces.items()} == {"a": {"n": 0.9, "v": 0.1}}


def test_a_variant_of_a_namespace_needs_weight_zero_without_an_experiment(read: Read) -> None:
    toml = variant_keys("weight = 1") + namespaced("a") + "weight = 0\n"
    assert read(toml).not_yet == {}


# -- what waits for its feature ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "key", "reason"),
    [
        pytest.param(
            GATEWAY + "auth.enabled = true", "gateway.auth", "this key yet, except `enabled = false`", id="auth"
        ),
        pytest.param(
            GATEWAY + 'observability.backend = "postgres"',
            "gateway.observability.backend",
            "this key yet, except `auto` and `clickhouse`",
            id="postgres_backend",
        ),
        pytest.param(
            GATEWAY + 'relay.gateway_url = "http://x"', "gateway.relay.gateway_url", "this key yet", id="relay"
        ),
        pytest.param(
            "[postgres]\ninference_retention_days = 1",
            "postgres.inference_retention_days",
            "this key yet",
            id="retention_by_its_older_name",
        ),
        pytest.param(
            rule("tokens_per_minute = 1\nalways = true"),
            "rate_limiting",
            "this key yet, except `enabled = false` or no rules",
            id="rate_limits",
        ),
        pytest.param(
            CHAT + best_of_n('candidates = ["v", "v"]'),
            "functions.f.variants.b",
            "the type `experimental_best_of_n_sampling` yet",
            id="best_of_n",
        ),
        pytest.param(
            JSON + mixture_of_n("candidates = []", 'model = "m"\njson_mode = "off"'),
            "functions.f.variants.b",
            "the type `experimental_mixture_of_n` yet",
            id="mixture_of_n",
        ),
        pytest.param(
            CHAT + dicl("max_distance = 0.5\njson_mode = 'on'"),
            "functions.f.variants.d",
            "the type `experimental_dynamic_in_context_learning` yet",
            id="dicl",
        ),
        pytest.param(
            evaluator('type = "regex"\nmust_match = "\\\\p{L}\\\\z"'),
            "functions.f.evaluators.e",
            "the type `regex` yet",
            id="evaluator",
        ),
        pytest.param(
            CHAT + '[evaluations.x]\ntype = "static"\nfunction_name = "f"',
            "evaluations",
            "this key yet",
            id="evaluations",
        ),
        pytest.param(
            optimizer('type = "openai_sft"\nmodel = "m"\nignored = 1'),
            "optimizers.o",
            "the type `openai_sft` yet",
            id="optimizer",
        ),
        pytest.param(
            '[provider_types.fireworks.sft]\naccount_id = "a"', "provider_types.fireworks.sft", "this key yet", id="sft"
        ),
    ],
)
def test_not_yet(toml: str, key: str, reason: str, read: Read) -> None:
    env = {"TENSORZERO_VALKEY_URL": "redis://x"}
    checked = read(toml, env)
    assert checked.not_yet == {key: f"t0 does not support {reason}"}
    with pytest.raises(ConfigError) as caught:
        load(checked.config.source.glob, all_kinds(), env)
    assert str(caught.value) == f"{key}: t0 does not support {reason}"


@pytest.mark.parametrize(
    "toml",
    [
        pytest.param(GATEWAY + "auth.enabled = false", id="auth_off"),
        pytest.param(GATEWAY + 'cache = { enabled = true, backend = "valkey", valkey.ttl_s = 1 }', id="cache"),
        pytest.param(GATEWAY + 'relay.api_key_location = "dynamic::k"', id="relay_without_url"),
        pytest.param(GATEWAY + 'export.otlp.traces = { enabled = false, format = "openinference" }', id="traces_off"),
        pytest.param(GATEWAY + "template_filesystem_access.enabled = true", id="deprecated_switch"),
        pytest.param(GATEWAY + "disable_pseudonymous_usage_analytics = true", id="analytics"),
        pytest.param(
            GATEWAY + "observability = { async_writes = false, batch_writes = { enabled = true, max_rows = 10 } }",
            id="batch_writes",
        ),
        pytest.param("[postgres]\nconnection_pool_size = 3\nzzz = 1\nenabled = false", id="postgres"),
        pytest.param('[object_storage]\ntype = "disabled"\nzzz = 1', id="object_storage_disabled"),
        pytest.param("[rate_limiting]\nenabled = false\nzzz = 1\n" + rule("always = true"), id="rate_limits_off"),
        pytest.param("[rate_limiting]\ndefault_cost = 0", id="no_rules"),
        pytest.param("[provider_types.openai]\nzzz = 1", id="provider_types_ignore_unknown"),
        pytest.param("[embedding_models]\n[evaluations]\n[optimizers]", id="empty_sections"),
        pytest.param('[autopilot]\ntool_whitelist = ["anything"]', id="autopilot"),
        pytest.param(MODEL + "skip_relay = true", id="skip_relay"),
        pytest.param(
            CHAT.replace('"m"', '""').replace("models.m", 'models.""').replace("functions.f", 'functions.""'),
            id="empty_names",
        ),
        pytest.param('[functions."a::b"]\ntype = "chat"\nvariants = {}', id="colons_in_names"),
        pytest.param('[metrics."a/b:c.d-e_F"]\ntype = "float"\noptimize = "min"\nlevel = "episode"', id="metric_name"),
        pytest.param(variant_keys("temperature = 9\ntop_p = nan"), id="no_range_checks"),
    ],
)
def test_accepted(toml: str, read: Read) -> None:
    assert read(toml).not_yet == {}


def test_everything_not_supported_is_named_at_once(read: Read) -> None:
    toml = GATEWAY + "auth.enabled = true\nrelay.gateway_url = 'http://x'\n"
    checked = read(toml)
    with pytest.raises(ConfigError) as caught:
        load(checked.config.source.glob, all_kinds(), {})
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "gateway.auth",
        "gateway.relay.gateway_url",
    ]


# -- sections with a syntax of their own -------------------------------------------------------------------------------


def test_rate_limits(read: Read) -> None:
    toml = rule(
        """
tokens_per_minute = { capacity = 5, refill_rate = 2 }
cost_per_day = 20.5
scope = [
  { tag_key = "user", tag_value = "tensorzero::each" },
  { api_key_public_id = "abcdefghijkl" },
]
priority = 1
zzz = 1"""
    ) + rule("model_inferences_per_second = 50\nalways = true")
    rules = read(toml, {"TENSORZERO_VALKEY_URL": "redis://x"}).config.rate_limiting.rules
    assert rules == [
        RateLimitRule(
            limits=[RateLimit("tokens", "minute", 5, 2), RateLimit("cost", "day", 20.5, 20.5)],
            scope=[TagScope("user", "tensorzero::each"), ApiKeyScope("abcdefghijkl")],
            priority=1,
        ),
        RateLimitRule(limits=[RateLimit("model_inferences", "second", 50, 50)], scope=[], priority=None),
    ]


def test_object_storage(read: Read) -> None:
    toml = '[object_storage]\ntype = "s3_compatible"\nbucket_name = "b"\nendpoint = "env::X"\nallow_http = true'
    storage = read(toml).config.object_storage
    assert storage == S3Storage(bucket_name="b", endpoint="env::X", allow_http=True)


def test_credential_defaults_of_provider_types(read: Read) -> None:
    toml = (
        "[provider_types.openai.defaults]\nzzz = 1\n"
        'api_key_location = { default = "dynamic::k", fallback = "env::X" }\n'
        '[provider_types.gcp_vertex_gemini.defaults]\ncredential_location = "sdk"\n'
    )
    assert read(toml).config.provider_types.credential_locations() == {
        "gcp_vertex_gemini": "sdk",
        "openai": {"default": "dynamic::k", "fallback": "env::X"},
    }


def test_a_provider_knows_its_type(read: Read) -> None:
    assert read(MODEL).config.models["m"].providers["p"].type == "openai"


@pytest.mark.parametrize(
    ("text", "address"),
    [("0.0.0.0:3000", ("0.0.0.0", 3000)), ("[::1]:0", ("::1", 0)), ("127.0.0.1:65535", ("127.0.0.1", 65535))],
)
def test_socket_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_socket_address(text) == address


@pytest.mark.parametrize(("base_path", "prefix"), [("/", ""), ("/llm", "/llm"), ("/a/b/", "/a/b"), ("//", "")])
def test_route_prefix(base_path: str, prefix: str, read: Read) -> None:
    assert read(f'{GATEWAY}base_path = "{base_path}"').config.gateway.route_prefix == prefix


# -- evaluators --------------------------------------------------------------------------------------------------------


JUDGE_NAME = "tensorzero::llm_judge::function_name::f::e"


def test_judges_become_json_functions(read: Read) -> None:
    config = read(judge(JUDGE_VARIANT + "temperature = 0.5\nactive = true\n", 'description = "d"\n')).config
    function = judge_functions(config)[JUDGE_NAME]
    variant = function.variants["a"]
    assert variant == ChatCompletionConfig(
        model="m", temperature=0.5, json_mode="strict", system_template=variant.templates["system"].file
    )
    assert variant.templates["system"].legacy is True
    assert function.output_schema is not None
    assert msgspec.json.decode(function.output_schema.body) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"score": {"type": "boolean"}},
        "required": ["score"],
        "additionalProperties": False,
    }
    assert build_templates(config).sources() == {"ok.txt": "Judge it."}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param('type = "experimental_chain_of_thought"\n' + JUDGE_CALL, id="chain_of_thought"),
        pytest.param(
            'type = "experimental_best_of_n_sampling"\ncandidates = []\n' + judge_part("evaluator", JUDGE_CALL),
            id="best_of_n",
        ),
        pytest.param('type = "experimental_mixture_of_n"\n' + judge_part("fuser", JUDGE_CALL), id="mixture_of_n"),
        pytest.param(
            'type = "experimental_dynamic_in_context_learning"\nmodel = "m"\nk = 1\nembedding_model = "openai::e"\n',
            id="dicl",
        ),
    ],
)
def test_judge_variants(keys: str, read: Read) -> None:
    config = read(judge(keys)).config
    assert list(judge_functions(config)[JUDGE_NAME].variants) == ["a"]


def test_metrics_of_evaluators(read: Read) -> None:
    toml = judge(JUDGE_VARIANT).replace('"boolean"', '"float"').replace('"max"', '"min"')
    toml += '[evaluations.x]\ntype = "inference"\nfunction_name = "f"\nevaluators.same = { type = "exact_match" }\n'
    assert evaluator_metrics(read(toml).config) == {
        "tensorzero::evaluation_name::x::evaluator_name::same": MetricConfig(
            type="boolean", optimize="max", level="inference"
        ),
        "tensorzero::function_name::f::evaluator_name::e": MetricConfig(
            type="float", optimize="min", level="inference"
        ),
    }


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param('type = "dicl"\nembedding_model = "e"\nvariant_name = "v"\nfunction_name = "f"', id="dicl"),
        pytest.param('type = "fireworks_sft"\nmodel = "m"\nlearning_rate = 1', id="fireworks_sft"),
        pytest.param('type = "gcp_vertex_gemini_sft"\nmodel = "m"', id="gcp_vertex_gemini_sft"),
        pytest.param(
            'type = "gepa"\nfunction_name = "f"\nanalysis_model = "m"\nmutation_model = "m"\nretries.num_retries = 1',
            id="gepa",
        ),
        pytest.param(
            'type = "together_sft"\nmodel = "m"\nbatch_size = 8\ntraining_type = { type = "Full" }', id="together_sft"
        ),
        pytest.param(
            'type = "openai_rft"\nmodel = "m"\n'
            'response_format = { type = "json_schema", json_schema = { name = "n", schema = { type = "object" } } }\n'
            'grader = { type = "multi", name = "g", calculate_output = "a", graders.a = { type = "text_similarity", '
            'name = "b", evaluation_metric = "rouge_1", input = "i", reference = "r" } }',
            id="openai_rft",
        ),
    ],
)
def test_optimizers(keys: str, read: Read) -> None:
    assert list(read(optimizer(keys)).not_yet) == ["optimizers.o"]


def test_a_warning_when_the_whole_stream_may_take_less_than_its_first_chunk(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    read(variant_keys("timeouts.streaming = { ttft_ms = 2, total_ms = 1 }"))
    assert [r.levelname for r in caplog.records] == ["WARNING"]


def test_checking_does_not_need_the_folder_to_be_current(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    glob = read(variant_keys('user_template = "ok.j"')).config.source.glob
    monkeypatch.chdir("/")
    assert check(glob, all_kinds(), {}).not_yet == {}
