"""Refused configurations: `[rate_limiting]`."""

import pytest

from unit.config.build import rule
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            rule("foo_per_minute = 1\nalways = true"),
            "rate_limiting.rules[0]: Unknown resource: foo",
            id="unknown_resource",
        ),
        pytest.param(
            rule("tokens_per_fortnight = 1\nalways = true"),
            (
                "rate_limiting.rules[0]: unknown variant `fortnight`, expected one of `second`, `minute`, "
                "`hour`, `day`, `week`, `month`"
            ),
            id="unknown_interval",
        ),
        pytest.param(
            rule("tokens_per_minute = -1\nalways = true"),
            (
                "rate_limiting.rules[0].tokens_per_minute: Rate limit value must either be a nonnegative "
                "integer or { capacity = .., refill_rate = .. } where both are nonnegative integers"
            ),
            id="negative",
        ),
        pytest.param(
            rule("tokens_per_minute = 1.5\nalways = true"),
            (
                "rate_limiting.rules[0].tokens_per_minute: Rate limit value must either be a nonnegative "
                "integer or { capacity = .., refill_rate = .. } where both are nonnegative integers"
            ),
            id="float_tokens",
        ),
        pytest.param(
            rule("tokens_per_minute = { capacity = 1 }\nalways = true"),
            (
                "rate_limiting.rules[0].tokens_per_minute: Rate limit value must either be a nonnegative "
                "integer or { capacity = .., refill_rate = .. } where both are nonnegative integers"
            ),
            id="half_bucket",
        ),
        pytest.param(
            rule("tokens_per_minute = { capacity = 1, refill_rate = 1, zzz = 1 }\nalways = true"),
            (
                "rate_limiting.rules[0].tokens_per_minute: Rate limit value must either be a nonnegative "
                "integer or { capacity = .., refill_rate = .. } where both are nonnegative integers"
            ),
            id="extra_key_in_bucket",
        ),
        pytest.param(
            rule("cost_per_day = inf\nalways = true"),
            ("rate_limiting.rules[0].cost_per_day: Cost rate limit value must be a finite non-negative number"),
            id="infinite_cost",
        ),
        pytest.param(
            rule("tokens_per_minute = 1"),
            (
                "rate_limiting.rules[0]: Error parsing rate limit scope and priority: the `priority` field "
                "is required when `always` is not true"
            ),
            id="no_priority",
        ),
        pytest.param(
            rule("tokens_per_minute = 1\nalways = false"),
            (
                "rate_limiting.rules[0]: Error parsing rate limit scope and priority: the `priority` field "
                "is required when `always` is not true"
            ),
            id="always_false",
        ),
        pytest.param(
            rule("tokens_per_minute = 1\nalways = true\npriority = 1"),
            (
                "rate_limiting.rules[0]: Error parsing rate limit scope and priority: cannot specify both "
                "`always` and `priority` fields"
            ),
            id="both",
        ),
        pytest.param(
            rule("priority = -1"),
            "rate_limiting.rules[0].priority: invalid value: integer `-1`, expected u64",
            id="negative_priority",
        ),
        pytest.param(
            rule("priority = 1\nscope = [{ zzz = 1 }]"),
            (
                "rate_limiting.rules[0].scope[0]: data did not match any known scope structure, expected "
                "`tag_key` or `api_key_public_id`"
            ),
            id="scope_shape",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ tag_key = "a" }]'),
            "rate_limiting.rules[0].scope[0]: missing field `tag_value`",
            id="scope_tag_value_missing",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ tag_key = "a", tag_value = "tensorzero::x" }]'),
            (
                "rate_limiting.rules[0].scope[0]: Tag values in rate limiting scopes besides "
                'tensorzero::each and tensorzero::total may not start with "tensorzero::". Got '
                "`tensorzero::x`"
            ),
            id="scope_reserved_value",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ api_key_public_id = "abc" }]'),
            "rate_limiting.rules[0].scope[0]: API key public ID `abc` must be 12 characters long.",
            id="scope_key_length",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ api_key_public_id = "tensorzero::total" }]'),
            (
                "rate_limiting.rules[0].scope[0]: Api key public ID values in rate limiting scopes besides "
                'tensorzero::each may not start with "tensorzero::". Got `tensorzero::total`'
            ),
            id="scope_key_total",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ tag_key = "a", tag_value = "b" }, { tag_key = "a", tag_value = "b" }]'),
            "rate_limiting.rules[0].scope: duplicate scopes are not allowed in the same rule",
            id="scope_twice",
        ),
        pytest.param(
            rule('priority = 1\nscope = [{ tag_key = "a", tag_value = "b" }]')
            + rule('priority = 2\nscope = [{ tag_key = "a", tag_value = "b" }]'),
            (
                'rate_limiting.rules: Duplicate rate limiting config scope: [{ tag_key = "a", tag_value = '
                '"b" }]. Rate limiting config scopes must be unique.'
            ),
            id="same_scope_in_two_rules",
        ),
        pytest.param(
            rule("priority = 1") + rule("priority = 2"),
            (
                "rate_limiting.rules: Duplicate rate limiting config scope: []. Rate limiting config scopes "
                "must be unique."
            ),
            id="two_unscoped_rules",
        ),
        pytest.param(
            rule("tokens_per_minute = 1\nalways = true"),
            (
                "rate_limiting.rules: Rate limiting is enabled with rules configured, but no backend is "
                "available. Set `TENSORZERO_VALKEY_URL` or `TENSORZERO_POSTGRES_URL`"
            ),
            id="no_backend",
        ),
        pytest.param(
            'rate_limiting.backend = "valkey"',
            (
                "rate_limiting.backend: Rate limiting is configured to use Valkey, but Valkey is not "
                "available. Set `TENSORZERO_VALKEY_URL`"
            ),
            id="backend_valkey_absent",
        ),
        pytest.param(
            'rate_limiting = { backend = "postgres", enabled = false }',
            (
                "rate_limiting.backend: Rate limiting is configured to use Postgres, but Postgres is not "
                "available. Set `TENSORZERO_POSTGRES_URL`"
            ),
            id="backend_postgres_absent_even_disabled",
        ),
        pytest.param(
            "rate_limiting.default_cost = -1",
            "rate_limiting.default_cost: must be non-negative, got -1",
            id="default_cost",
        ),
        pytest.param(
            "rate_limiting.default_cost = inf",
            "rate_limiting.default_cost: must be a finite number, got inf",
            id="default_cost_infinite",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
