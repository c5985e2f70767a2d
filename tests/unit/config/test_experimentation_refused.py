"""Refused configurations: `[functions.F.experimentation]`, weights and namespaces."""

import pytest

from unit.config.build import CHAT, METRIC, experiment, namespaced, variant_keys
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            experiment('candidate_variants = ["v"]'),
            "functions.f.experimentation: TensorZeroDerive: missing tag field `type`",
            id="type_missing",
        ),
        pytest.param(
            experiment('type = "zzz"'),
            (
                "functions.f.experimentation: unknown variant `zzz`, expected one of `track_and_stop`, "
                "`adaptive`, `static`, `static_weights`, `uniform`"
            ),
            id="type_unknown",
        ),
        pytest.param(
            experiment('namespaces.a = { type = "static", candidate_variants = ["v"] }'),
            "functions.f.experimentation: TensorZeroDerive: missing tag field `type`",
            id="base_missing",
        ),
        pytest.param(
            experiment('type = "static"'),
            "functions.f.experimentation: missing field `candidate_variants`",
            id="candidates_missing",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["zzz"]'),
            (
                "functions.f.experimentation: static experimentation: candidate variant `zzz` does not exist "
                "in function variants"
            ),
            id="candidate_unknown",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v"]\nfallback_variants = ["zzz"]'),
            (
                "functions.f.experimentation: static experimentation: fallback variant `zzz` does not exist "
                "in function variants"
            ),
            id="fallback_unknown",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v", "v"]'),
            ("functions.f.experimentation.candidate_variants: duplicate variant name in `candidate_variants`: `v`"),
            id="candidate_twice",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v"]\nfallback_variants = ["w", "w"]'),
            ("functions.f.experimentation.fallback_variants: duplicate variant name in `fallback_variants`: `w`"),
            id="fallback_twice",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v"]\nfallback_variants = ["v"]'),
            (
                "functions.f.experimentation: variants cannot appear in both `candidate_variants` and "
                "`fallback_variants`: v"
            ),
            id="in_both_lists",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = { v = -1 }'),
            ("functions.f.experimentation.candidate_variants.v: weight must be a finite non-negative number, got -1.0"),
            id="weight_negative",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = { v = "1" }'),
            'functions.f.experimentation.candidate_variants.v: invalid type: string "1", expected f64',
            id="weight_not_number",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = { v = 0 }'),
            (
                "functions.f.experimentation: Experimentation config has no active candidate variants and no "
                "fallback variants. At least one is required."
            ),
            id="nothing_active",
        ),
        pytest.param(
            experiment('type = "static_weights"\ncandidate_variants = ["v"]'),
            ("functions.f.experimentation.candidate_variants: invalid type: sequence, expected a table of weights"),
            id="weights_as_list",
        ),
        pytest.param(
            experiment('type = "uniform"\ncandidate_variants = ["zzz"]'),
            (
                "functions.f.experimentation: uniform experimentation: candidate variant `zzz` does not "
                "exist in function variants"
            ),
            id="uniform_unknown",
        ),
        pytest.param(
            experiment('type = "uniform"\ncandidate_variants = ["v"]\nfallback_variants = ["v"]'),
            (
                "functions.f.experimentation: variants cannot appear in both `candidate_variants` and "
                "`fallback_variants`: v"
            ),
            id="uniform_in_both",
        ),
        pytest.param(
            CHAT + 'weight = 1\n[functions.f.experimentation]\ntype = "uniform"',
            (
                "functions.f: Cannot mix `experimentation` configuration with individual variant `weight` "
                "values. Remove `weight` from the variants"
            ),
            id="with_variant_weight",
        ),
        pytest.param(
            experiment('type = "uniform"\nnamespaces."" = { type = "uniform" }'),
            "functions.f.experimentation.namespaces: Namespace identifier cannot be empty",
            id="namespace_empty",
        ),
        pytest.param(
            experiment('type = "uniform"\nnamespaces.a = { type = "static", candidate_variants = ["zzz"] }'),
            (
                "functions.f.experimentation.namespaces.a: static experimentation: candidate variant `zzz` "
                "does not exist in function variants"
            ),
            id="namespace_candidate_unknown",
        ),
        pytest.param(
            variant_keys('namespace = "a"'),
            (
                "functions.f: Variant `v` of function `f` has namespace `a`, but is reachable from the base "
                "experimentation config. List the variants that it may pick"
            ),
            id="variant_namespace_in_implicit_base",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v", "n"]') + namespaced("a"),
            (
                "functions.f: Variant `n` of function `f` has namespace `a`, but is reachable from the base "
                "experimentation config. List the variants that it may pick"
            ),
            id="variant_namespace_in_base",
        ),
        pytest.param(
            experiment('type = "static"\ncandidate_variants = ["v"]\nfallback_variants = ["n"]') + namespaced("a"),
            (
                "functions.f: Variant `n` of function `f` has namespace `a`, but is reachable from the base "
                "experimentation config. List the variants that it may pick"
            ),
            id="variant_namespace_in_fallbacks",
        ),
        pytest.param(
            experiment(
                'type = "static"\ncandidate_variants = ["v"]\n'
                'namespaces.b = { type = "static", candidate_variants = ["n"] }'
            )
            + namespaced("a"),
            (
                "functions.f: Variant `n` of function `f` has namespace `a`, but is reachable from the "
                "experimentation of namespace `b`. List the variants that it may pick"
            ),
            id="variant_namespace_in_other",
        ),
        pytest.param(
            CHAT.replace("routing", 'namespace = "a"\nrouting'),
            (
                "functions.f: Variant `v` of function `f` uses model `m` which has namespace `a`, but the "
                "variant is reachable from the base experimentation config."
            ),
            id="model_namespace_in_base",
        ),
        pytest.param(
            experiment('type = "adaptive"\ncandidate_variants = ["v"]'),
            "functions.f.experimentation: missing field `metric`",
            id="adaptive_metric_missing",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmetric = "zzz"\ncandidate_variants = ["v"]'),
            (
                "functions.f.experimentation.metric: Track-and-Stop experiment references unknown metric "
                "'zzz'. Available metrics: []"
            ),
            id="adaptive_metric_unknown",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmetric = "zzz"\ncandidate_variants = []'),
            ("functions.f.experimentation.candidate_variants: Track-and-Stop candidate_variants cannot be empty"),
            id="adaptive_no_candidates",
        ),
        pytest.param(
            experiment('type = "adaptive"\nalgorithm = "ucb"\nmetric = "zzz"\ncandidate_variants = ["v"]'),
            "functions.f.experimentation.algorithm: unknown variant `ucb`, expected `track_and_stop`",
            id="adaptive_algorithm",
        ),
        pytest.param(
            experiment('type = "adaptive"\ndelta = 1\nmetric = "zzz"\ncandidate_variants = ["v"]'),
            "functions.f.experimentation.delta: Track-and-Stop delta must be in (0, 1), got 1",
            id="adaptive_delta",
        ),
        pytest.param(
            experiment(
                'type = "adaptive"\nmin_samples_per_variant = 10\nmax_samples_per_variant = 5\n'
                'metric = "zzz"\ncandidate_variants = ["v"]'
            ),
            ("functions.f.experimentation: `max_samples_per_variant` (5) must be >= `min_samples_per_variant` (10)"),
            id="adaptive_samples",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmin_samples_per_variant = 0\nmetric = "zzz"\ncandidate_variants = ["v"]'),
            ("functions.f.experimentation.min_samples_per_variant: `min_samples_per_variant` must be >= 1, got 0"),
            id="adaptive_min_samples",
        ),
        pytest.param(
            experiment('type = "adaptive"\nepsilon = -0.5\nmetric = "zzz"\ncandidate_variants = ["v"]'),
            "functions.f.experimentation.epsilon: must be non-negative, got -0.5",
            id="adaptive_epsilon",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmin_prob = 0.6\nmetric = "zzz"\ncandidate_variants = ["v", "w"]'),
            ("functions.f.experimentation: `min_prob` times the number of candidates must be at most 1, got 1.2"),
            id="adaptive_min_prob",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmin_prob = inf\nmetric = "zzz"\ncandidate_variants = ["v", "w"]'),
            "functions.f.experimentation.min_prob: must be a finite number, got inf",
            id="adaptive_min_prob_infinite",
        ),
        pytest.param(
            experiment('type = "adaptive"\nmetric = "x"\ncandidate_variants = ["v"]') + METRIC,
            (
                "functions.f.experimentation: Track-and-Stop experimentation is configured for function `f` "
                "but Postgres is not available. Please set the `TENSORZERO_POSTGRES_URL` environment "
                "variable."
            ),
            id="adaptive_without_postgres",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
