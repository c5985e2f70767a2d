"""Refused configurations: Evaluators, judges, `[evaluations]`."""

import pytest

from unit.config.build import CHAT, JUDGE, JUDGE_VARIANT, evaluator, judge
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            evaluator('type = "exact_match"', "a::b"),
            'functions.f.evaluators.a::b: Evaluator names cannot contain "::"',
            id="evaluator_colons",
        ),
        pytest.param(
            evaluator('type = "zzz"'),
            (
                "functions.f.evaluators.e: unknown variant `zzz`, expected one of `exact_match`, "
                "`llm_judge`, `regex`, `tool_use`, `typescript`"
            ),
            id="type_unknown",
        ),
        pytest.param(
            evaluator('type = "regex"'),
            "functions.f.evaluators.e: at least one of `must_match` or `must_not_match` must be specified",
            id="regex_nothing",
        ),
        pytest.param(
            evaluator('type = "regex"\nmust_match = "("'),
            (
                "functions.f.evaluators.e.must_match: invalid regex: `(`, expected the syntax of Rust's "
                "`regex` crate (no look-around)"
            ),
            id="regex_syntax",
        ),
        pytest.param(
            evaluator('type = "regex"\nmust_not_match = "(?=a)b"'),
            (
                "functions.f.evaluators.e.must_not_match: invalid regex: `(?=a)b`, expected the syntax of "
                "Rust's `regex` crate (no look-around)"
            ),
            id="regex_look_around",
        ),
        pytest.param(
            evaluator('type = "tool_use"\nbehavior = "zzz"'),
            (
                "functions.f.evaluators.e.behavior: unknown variant `zzz`, expected one of `none`, `any`, "
                "`none_of`, `any_of`, `all_of`"
            ),
            id="tool_use_behavior",
        ),
        pytest.param(
            evaluator('type = "tool_use"\nbehavior = "any"\ntools = ["t"]'),
            'functions.f.evaluators.e.tools: unknown field `tools` with `behavior = "any"`',
            id="tool_use_needless_tools",
        ),
        pytest.param(
            evaluator('type = "tool_use"\nbehavior = "any_of"'),
            "functions.f.evaluators.e: missing field `tools`",
            id="tool_use_tools_missing",
        ),
        pytest.param(
            evaluator('type = "tool_use"\nbehavior = "all_of"\ntools = []'),
            'functions.f.evaluators.e.tools: `tools` must not be empty with `behavior = "all_of"`',
            id="tool_use_tools_empty",
        ),
        pytest.param(
            evaluator('type = "typescript"\noutput_type = "float"\noptimize = "max"'),
            "functions.f.evaluators.e: missing field `typescript_file`",
            id="typescript_file_missing",
        ),
        pytest.param(
            evaluator('type = "typescript"\ntypescript_file = "zzz.ts"\noutput_type = "float"\noptimize = "max"'),
            (
                "functions.f.evaluators.e.typescript_file: Failed to resolve path `zzz.ts` (base: `{DIR}`): "
                "No such file or directory (os error 2)"
            ),
            id="typescript_file_absent",
        ),
        pytest.param(
            evaluator(JUDGE), "functions.f.evaluators.e: missing field `variants`", id="judge_variants_missing"
        ),
        pytest.param(
            evaluator(JUDGE + "variants = {}"),
            (
                "functions.f.evaluators.e: Evaluator `e` in `[functions.f.evaluators]` must have exactly 1 "
                "variant that is active. Found 0 variants with nonzero weights."
            ),
            id="judge_no_variants",
        ),
        pytest.param(
            judge(JUDGE_VARIANT + "active = false"),
            (
                "functions.f.evaluators.e: Evaluator `e` in `[functions.f.evaluators]` must have exactly 1 "
                "variant that is active. Found 0 variants with nonzero weights."
            ),
            id="judge_inactive",
        ),
        pytest.param(
            judge(JUDGE_VARIANT) + "[functions.f.evaluators.e.variants.b]\n" + JUDGE_VARIANT,
            (
                "functions.f.evaluators.e: Evaluator `e` in `[functions.f.evaluators]` must have exactly 1 "
                "variant that is active. Found 0 variants with nonzero weights."
            ),
            id="judge_two_undecided",
        ),
        pytest.param(
            judge(JUDGE_VARIANT + "active = true")
            + "[functions.f.evaluators.e.variants.b]\n"
            + JUDGE_VARIANT
            + "active = true",
            (
                "functions.f.evaluators.e: Evaluator `e` in `[functions.f.evaluators]` must have exactly 1 "
                "variant that is active. Found 2 variants with nonzero weights."
            ),
            id="judge_two_active",
        ),
        pytest.param(
            judge('type = "zzz"'),
            (
                "functions.f.evaluators.e.variants.a: unknown variant `zzz`, expected one of "
                "`chat_completion`, `experimental_best_of_n_sampling`, `experimental_mixture_of_n`, "
                "`experimental_dynamic_in_context_learning`, `experimental_chain_of_thought`"
            ),
            id="judge_type_unknown",
        ),
        pytest.param(
            judge('model = "m"'),
            "functions.f.evaluators.e.variants.a: TensorZeroDerive: missing tag field `type`",
            id="judge_type_missing",
        ),
        pytest.param(
            judge(JUDGE_VARIANT.replace('system_instructions = "ok.txt"\n', "")),
            "functions.f.evaluators.e.variants.a: missing field `system_instructions`",
            id="judge_instructions_missing",
        ),
        pytest.param(
            judge(JUDGE_VARIANT.replace('json_mode = "strict"\n', "")),
            "functions.f.evaluators.e.variants.a: missing field `json_mode`",
            id="judge_json_mode_missing",
        ),
        pytest.param(
            judge(JUDGE_VARIANT + 'system_template = "ok.j"'),
            (
                "functions.f.evaluators.e.variants.a.system_template: unknown field `system_template`, "
                "expected one of `timeouts`, `model`, `temperature`, `top_p`, `presence_penalty`, "
                "`frequency_penalty`, `max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, "
                "`verbosity`, `thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, "
                "`extra_headers`, `service_tier`, `system_instructions`, `active`"
            ),
            id="judge_template",
        ),
        pytest.param(
            judge(JUDGE_VARIANT + 'namespace = "a"'),
            (
                "functions.f.evaluators.e.variants.a.namespace: unknown field `namespace`, expected one of "
                "`timeouts`, `model`, `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, "
                "`max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, "
                "`thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, `extra_headers`, "
                "`service_tier`, `system_instructions`, `active`"
            ),
            id="judge_namespace",
        ),
        pytest.param(
            judge(JUDGE_VARIANT + "weight = 1"),
            (
                "functions.f.evaluators.e.variants.a.weight: unknown field `weight`, expected one of "
                "`timeouts`, `model`, `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, "
                "`max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, "
                "`thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, `extra_headers`, "
                "`service_tier`, `system_instructions`, `active`"
            ),
            id="judge_weight",
        ),
        pytest.param(
            judge(JUDGE_VARIANT.replace('"m"', '"zzz"')),
            (
                "functions.tensorzero::llm_judge::function_name::f::e.variants.a.model: Model name 'zzz' not "
                "found in model table"
            ),
            id="judge_model_unknown",
        ),
        pytest.param(
            judge(JUDGE_VARIANT.replace("ok.txt", "braces.txt")),
            (
                "functions.tensorzero::llm_judge::function_name::f::e.variants.a.system_template: template "
                "needs variables: [it] but only `system_text` is allowed when template has no schema"
            ),
            id="judge_braces",
        ),
        pytest.param(
            judge(JUDGE_VARIANT, 'input_format = "xml"\n'),
            ("functions.f.evaluators.e.input_format: unknown variant `xml`, expected `serialized` or `messages`"),
            id="judge_input_format",
        ),
        pytest.param(
            judge(
                'type = "experimental_best_of_n_sampling"\ncandidates = ["zzz"]\n'
                "[functions.f.evaluators.e.variants.a.evaluator]\n"
                + JUDGE_VARIANT.replace('type = "chat_completion"\n', "")
            ),
            ("functions.tensorzero::llm_judge::function_name::f::e.variants.a: Unknown candidate variant: zzz"),
            id="judge_candidate_unknown",
        ),
        pytest.param(
            judge('type = "experimental_mixture_of_n"'),
            "functions.f.evaluators.e.variants.a: missing field `fuser`",
            id="judge_fuser_missing",
        ),
        pytest.param(
            judge('type = "experimental_mixture_of_n"\n[functions.f.evaluators.e.variants.a.fuser]\n' + JUDGE_VARIANT),
            (
                "functions.f.evaluators.e.variants.a.fuser.type: unknown field `type`, expected one of "
                "`model`, `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, `max_tokens`, "
                "`seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, `thinking_budget_tokens`, "
                "`json_mode`, `retries`, `extra_body`, `extra_headers`, `service_tier`, "
                "`system_instructions`, `active`"
            ),
            id="judge_fuser_with_type",
        ),
        pytest.param(
            judge(
                'type = "experimental_dynamic_in_context_learning"\nmodel = "m"\nk = 1\n'
                'embedding_model = "openai::e"\nreasoning_effort = "low"'
            ),
            (
                "functions.f.evaluators.e.variants.a.reasoning_effort: unknown field `reasoning_effort`, "
                "expected one of `timeouts`, `model`, `temperature`, `top_p`, `presence_penalty`, "
                "`frequency_penalty`, `max_tokens`, `seed`, `stop_sequences`, `json_mode`, `retries`, "
                "`extra_body`, `extra_headers`, `embedding_model`, `k`, `max_distance`, "
                "`system_instructions`, `active`"
            ),
            id="judge_dicl_reasoning",
        ),
        pytest.param(
            CHAT + '[evaluations."a::b"]\ntype = "inference"\nfunction_name = "f"',
            'evaluations.a::b: evaluation names cannot contain "::"',
            id="evaluation_colons",
        ),
        pytest.param(
            CHAT + '[evaluations.x]\ntype = "inference"\nfunction_name = "g"',
            "evaluations.x: Function `g` not found",
            id="evaluation_function",
        ),
        pytest.param(
            CHAT + '[evaluations.x]\ntype = "zzz"\nfunction_name = "f"',
            "evaluations.x.type: unknown variant `zzz`, expected `inference` or `static`",
            id="evaluation_type",
        ),
        pytest.param(
            CHAT
            + '[evaluations.x]\ntype = "static"\nfunction_name = "f"\nevaluators."a::b" = { type = "exact_match" }',
            'evaluations.x.evaluators.a::b: Evaluator names cannot contain "::"',
            id="evaluation_evaluator_colons",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
