"""Refused configurations: `[functions.F.variants]`, with the templates they name."""

import pytest

from unit.config.build import CHAT, GATEWAY, JSON, best_of_n, dicl, function_keys, mixture_of_n, variant_keys
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            CHAT + '[functions.f.variants."tensorzero::w"]\ntype = "chat_completion"\nmodel = "m"',
            ("functions.f.variants.tensorzero::w: Variant name cannot start with 'tensorzero::': tensorzero::w"),
            id="reserved_name",
        ),
        pytest.param(
            CHAT + '[functions.f.variants.w]\ntype = "chat_completion"',
            "functions.f.variants.w: missing field `model`",
            id="model_missing",
        ),
        pytest.param(
            CHAT.replace('model = "m"', 'model = "zzz"'),
            "functions.f.variants.v.model: Model name 'zzz' not found in model table",
            id="model_unknown",
        ),
        pytest.param(
            JSON.replace('json_mode = "on"\n', ""),
            (
                "functions.f.variants.v: `json_mode` must be specified for `[functions.f.variants.v]` "
                "(parent function `f` is a JSON function)"
            ),
            id="json_mode_missing",
        ),
        pytest.param(
            variant_keys('json_mode = "on"'),
            ("functions.f.variants.v: JSON mode is not supported for variant `v` (parent function is a chat function)"),
            id="json_mode_in_chat",
        ),
        pytest.param(
            JSON.replace('"on"', '"json"'),
            (
                "functions.f.variants.v.json_mode: unknown variant `json`, expected one of `off`, `on`, "
                "`strict`, `tool`, `implicit_tool`"
            ),
            id="json_mode_unknown",
        ),
        pytest.param(
            variant_keys("weight = -1"),
            "functions.f.variants.v.weight: `weight` must be non-negative",
            id="weight_negative",
        ),
        pytest.param(
            variant_keys("weight = 0"),
            "functions.f.variants: all variants have the weight 0, so none can be sampled",
            id="weights_all_zero",
        ),
        pytest.param(
            variant_keys("retries.max_delay_s = -1"),
            "functions.f.variants.v.retries.max_delay_s: must be a finite non-negative number, got -1",
            id="max_delay_negative",
        ),
        pytest.param(
            variant_keys('user_template = "ok.j"\ntemplates.user.path = "ok.j"'),
            "functions.f.variants.v: Cannot specify both `templates.user.path` and `user_template`",
            id="template_twice",
        ),
        pytest.param(
            variant_keys('user_template = "ok.j"\ninput_wrappers.user = "ok.j"'),
            "functions.f.variants.v: Cannot provide both `input_wrappers.user` and `user` template",
            id="wrapper_and_template",
        ),
        pytest.param(
            variant_keys('templates.user.path = "ok.j"\ninput_wrappers.user = "ok.j"'),
            "functions.f.variants.v: Cannot provide both `input_wrappers.user` and `user` template",
            id="wrapper_and_new_template",
        ),
        pytest.param(
            function_keys('user_schema = "any.json"') + 'input_wrappers.user = "ok.j"\n',
            "functions.f.variants.v: Cannot provide both `input_wrappers.user` and `user_schema`",
            id="wrapper_and_schema",
        ),
        pytest.param(
            variant_keys('templates.x.path = "syntax.j"'),
            (
                "functions.f.variants.v.templates.x: Error rendering template syntax.j: Failed to add "
                "template: syntax error: unexpected end of block (in syntax.j:1)"
            ),
            id="template_syntax",
        ),
        pytest.param(
            variant_keys('user_template = "other.j"'),
            (
                "functions.f.variants.v.user_template: template needs variables: [other, user_text] but only "
                "`user_text` is allowed when template has no schema"
            ),
            id="legacy_variables",
        ),
        pytest.param(
            variant_keys('system_template = "ok.j"'),
            (
                "functions.f.variants.v.system_template: template needs variables: [user_text] but only "
                "`system_text` is allowed when template has no schema"
            ),
            id="legacy_system_variables",
        ),
        pytest.param(
            variant_keys('input_wrappers.user = "other.j"'),
            (
                "functions.f.variants.v.user_template: template needs variables: [other, user_text] but only "
                "`user_text` is allowed when template has no schema"
            ),
            id="wrapper_variables",
        ),
        pytest.param(
            function_keys('user_schema = "any.json"'),
            "functions.f.variants.v.user_template: template is required when schema is specified",
            id="role_schema_without_template",
        ),
        pytest.param(
            function_keys('schemas.x.path = "any.json"'),
            ("functions.f.variants.v.templates.x: template is required when `functions.f.schemas.x` is specified"),
            id="schema_without_template",
        ),
        pytest.param(
            variant_keys('templates.user = "ok.j"'),
            "functions.f.variants.v.templates.user: Expected a table, found string",
            id="template_string_for_table",
        ),
        pytest.param(
            GATEWAY
            + 'template_filesystem_access.base_path = "dir"\n'
            + variant_keys('templates.x.path = "computed.j"'),
            (
                "Cannot statically analyze all template dependencies. Found 1 dynamic load(s):\n"
                "computed.j:1:11: dynamic include - variable:\n"
                "  x"
            ),
            id="computed_include",
        ),
        pytest.param(
            CHAT + '[functions.f.variants.c]\ntype = "experimental_chain_of_thought"\nmodel = "m"',
            (
                "functions.f.variants.c: Unsupported variant `c` of type `chain_of_thought` for function `f` "
                "of type `chat`"
            ),
            id="chain_of_thought_in_chat",
        ),
        pytest.param(
            JSON + '[functions.f.variants.c]\ntype = "experimental_chain_of_thought"\nmodel = "m"',
            (
                "functions.f.variants.c: `json_mode` must be specified for `[functions.f.variants.c]` "
                "(parent function `f` is a JSON function)"
            ),
            id="chain_of_thought_json_mode",
        ),
        pytest.param(
            CHAT + dicl('service_tier = "auto"'),
            (
                "functions.f.variants.d.service_tier: unknown field `service_tier` for type "
                "`experimental_dynamic_in_context_learning`, expected one of "
                "`timeouts`, `namespace`, `weight`, `model`, `temperature`, `top_p`, `presence_penalty`, "
                "`frequency_penalty`, `max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, "
                "`verbosity`, `thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, "
                "`extra_headers`, `embedding_model`, `k`, `max_distance`, `system_instructions`"
            ),
            id="dicl_service_tier",
        ),
        pytest.param(
            JSON + dicl(),
            (
                "functions.f.variants.d: `json_mode` must be specified for `[functions.f.variants.d]` "
                "(parent function `f` is a JSON function)"
            ),
            id="dicl_json_mode_missing",
        ),
        pytest.param(
            CHAT + dicl(embedding_model="m"),
            "functions.f.variants.d: `embedding_model` must be a valid embedding model name, got `m`",
            id="dicl_embedding_model",
        ),
        pytest.param(
            CHAT + dicl("max_distance = -1"),
            "functions.f.variants.d.max_distance: `max_distance` must be non-negative (got -1)",
            id="dicl_distance",
        ),
        pytest.param(
            CHAT + dicl().replace("k = 3\n", ""), "functions.f.variants.d: missing field `k`", id="dicl_k_missing"
        ),
        pytest.param(
            GATEWAY + 'global_outbound_http_timeout_ms = 5\n[embedding_models.e]\nrouting = ["p"]\n'
            'timeout_ms = 6\nproviders.p = { type = "openai", model_name = "x" }\n' + CHAT + dicl(embedding_model="e"),
            (
                "embedding_models.e: The `timeout_ms` value `6` is greater than "
                "`gateway.global_outbound_http_timeout_ms`: `5`"
            ),
            id="dicl_embedding_timeout",
        ),
        pytest.param(
            CHAT + best_of_n(""), "functions.f.variants.b: missing field `candidates`", id="candidates_missing"
        ),
        pytest.param(
            CHAT + best_of_n('candidates = ["zzz"]'),
            "functions.f.variants.b: Unknown candidate variant: zzz",
            id="candidate_unknown",
        ),
        pytest.param(
            CHAT + best_of_n('candidates = ["b"]'),
            "functions.f.variants.b: candidates run in a circle: b → b",
            id="candidate_itself",
        ),
        pytest.param(
            CHAT
            + best_of_n('candidates = ["c"]')
            + '[functions.f.variants.c]\ntype = "experimental_best_of_n_sampling"\n'
            'candidates = ["b"]\nevaluator = { model = "m" }\n',
            "functions.f.variants.b: candidates run in a circle: b → c → b",
            id="candidates_in_circle",
        ),
        pytest.param(
            CHAT + '[functions.f.variants.b]\ntype = "experimental_best_of_n_sampling"\ncandidates = []',
            "functions.f.variants.b: missing field `evaluator`",
            id="evaluator_missing",
        ),
        pytest.param(
            CHAT + best_of_n("candidates = []", 'type = "chat_completion"\nmodel = "m"'),
            (
                "functions.f.variants.b.evaluator.type: unknown field `type`, expected one of `weight`, "
                "`model`, `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, `max_tokens`, "
                "`seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, `thinking_budget_tokens`, "
                "`json_mode`, `retries`, `extra_body`, `extra_headers`, `system_template`, `user_template`, "
                "`assistant_template`, `templates`, `input_wrappers`, `service_tier`"
            ),
            id="evaluator_with_type",
        ),
        pytest.param(
            CHAT + best_of_n("candidates = []", 'timeouts = {}\nmodel = "m"'),
            (
                "functions.f.variants.b.evaluator.timeouts: unknown field `timeouts`, expected one of "
                "`weight`, `model`, `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, "
                "`max_tokens`, `seed`, `stop_sequences`, `reasoning_effort`, `verbosity`, "
                "`thinking_budget_tokens`, `json_mode`, `retries`, `extra_body`, `extra_headers`, "
                "`system_template`, `user_template`, `assistant_template`, `templates`, `input_wrappers`, "
                "`service_tier`"
            ),
            id="evaluator_with_timeouts",
        ),
        pytest.param(
            CHAT + best_of_n("candidates = []", 'model = "zzz"'),
            "functions.f.variants.b.evaluator.model: Model name 'zzz' not found in model table",
            id="evaluator_model_unknown",
        ),
        pytest.param(
            function_keys('tools = ["t"]').replace(
                "[models.m]", '[tools.t]\ndescription = "d"\nparameters = "any.json"\n[models.m]'
            )
            + best_of_n("candidates = []", 'model = "m"\njson_mode = "tool"'),
            (
                'functions.f.variants.b.evaluator: `json_mode = "tool"` is not supported here while the '
                "function has tools"
            ),
            id="evaluator_tool_mode",
        ),
        pytest.param(
            function_keys('user_schema = "any.json"') + 'user_template = "ok.j"\n' + best_of_n("candidates = []"),
            "functions.f.variants.b.evaluator.user_template: template is required when schema is specified",
            id="evaluator_template_missing",
        ),
        pytest.param(
            variant_keys("timeouts.streaming.ttft_ms = 5") + best_of_n('candidates = ["v"]\ntimeout_s = 1.5'),
            (
                "functions.f.variants.b: cannot use `timeout_s` when candidate `v` already has `[timeouts]` "
                "configured. Remove `timeout_s` and set timeouts on the candidates"
            ),
            id="timeout_s_and_timeouts",
        ),
        pytest.param(
            CHAT + best_of_n("candidates = []\ntimeout_s = -1"),
            "functions.f.variants.b.timeout_s: must be non-negative, got -1",
            id="timeout_s_negative",
        ),
        pytest.param(
            JSON + mixture_of_n("candidates = []"),
            (
                "functions.f.variants.b.fuser: `json_mode` must be specified for "
                "`[functions.f.variants.b.fuser]` (parent function `f` is a JSON function)"
            ),
            id="fuser_json_mode_missing",
        ),
        pytest.param(
            CHAT + '[functions.f.variants.b]\ntype = "experimental_mixture_of_n"\ncandidates = []',
            "functions.f.variants.b: missing field `fuser`",
            id="fuser_missing",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
