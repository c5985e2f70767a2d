"""Prices: configuration, and what an answer costs."""

from decimal import Decimal
from typing import Any

import pytest

from t0.errors import ConfigError
from t0.providers.cost import CostRules

KEY = "models.m.providers.p.cost"

PRICES = [
    {"pointer": "/usage/prompt_tokens", "cost_per_million": 1.25, "required": True},
    {"pointer": "/usage/completion_tokens", "cost_per_million": 10, "required": True},
    {"pointer": "/usage/prompt_tokens_details/cached_tokens", "cost_per_million": -1.125},
]
USAGE = '{"usage":{"prompt_tokens":11,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}'


@pytest.mark.parametrize(
    ("raw", "cost"),
    [
        pytest.param(USAGE, Decimal("0.00005925"), id="sum of rates"),
        pytest.param(
            '{"usage":{"prompt_tokens":"11","completion_tokens":5}}', Decimal("0.00006375"), id="numeric text"
        ),
        pytest.param('{"usage":{"prompt_tokens":11}}', None, id="required is missing"),
        pytest.param('{"usage":{"prompt_tokens":null,"completion_tokens":5}}', None, id="required is null"),
        pytest.param('{"usage":{"prompt_tokens":true,"completion_tokens":5}}', None, id="not a number"),
        pytest.param('{"usage":{"prompt_tokens":"x","completion_tokens":5}}', None, id="not a numeric text"),
        pytest.param("{bad", None, id="not JSON"),
        pytest.param(
            '{"usage":{"prompt_tokens":0,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":4}}}',
            None,
            id="negative total",
        ),
    ],
)
def test_complete(raw: str, cost: Decimal | None) -> None:
    assert CostRules.parse(PRICES, KEY).complete(raw) == cost


def test_stream_takes_the_largest_value_of_each_pointer() -> None:
    chunks = ['{"usage":{"prompt_tokens":11,"completion_tokens":1}}', "", '{"usage":null}', USAGE]
    assert CostRules.parse(PRICES, KEY).stream(chunks) == Decimal("0.00005925")


def test_stream_without_a_required_value_has_no_price() -> None:
    assert CostRules.parse(PRICES, KEY).stream(['{"choices":[]}']) is None


def test_pointers_by_mode_and_unit_prices() -> None:
    rules = CostRules.parse([{"pointer_nonstreaming": "/a/0", "pointer_streaming": "/b", "cost_per_unit": "0.5"}], KEY)
    assert rules.complete('{"a":[2]}') == Decimal("1.0")
    assert rules.stream(['{"b":1}', '{"b":3.5}']) == Decimal("1.75")


def test_what_is_missing_and_not_required_costs_nothing() -> None:
    assert CostRules.parse([{"pointer": "/x~1y", "cost_per_unit": 1}], KEY).complete("{}") == 0


def test_where_nothing_streams_there_is_one_pointer() -> None:
    entries = [
        {"pointer": "/a", "cost_per_unit": 1},
        {"pointer_nonstreaming": "/a", "pointer_streaming": "/b", "cost_per_unit": 1},
    ]
    with pytest.raises(ConfigError) as error:
        CostRules.parse(entries, KEY, single=True)
    assert str(error.value) == f"{KEY}[1]: missing field `pointer`"


POINTERS = "specify either `pointer` alone, or both `pointer_nonstreaming` and `pointer_streaming`"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"cost_per_unit": 1}, f"invalid pointer configuration: {POINTERS}"),
        ({"pointer_streaming": "/a", "cost_per_unit": 1}, f"invalid pointer configuration: {POINTERS}"),
        (
            {"pointer": "/a", "pointer_streaming": "/a", "cost_per_unit": 1},
            f"invalid pointer configuration: {POINTERS}",
        ),
        ({"pointer": 1, "cost_per_unit": 1}, "invalid `pointer`: expected a string, got `1`"),
        ({"pointer": "/a"}, "must specify exactly one of `cost_per_million` or `cost_per_unit`"),
        (
            {"pointer": "/a", "cost_per_unit": 1, "cost_per_million": 1},
            "must specify exactly one of `cost_per_million` or `cost_per_unit`",
        ),
        ({"pointer": "a", "cost_per_unit": 1}, "invalid JSON pointer `a`: NoLeadingSlash"),
        ({"pointer": "/a", "cost_per_unit": "much"}, "invalid `cost_per_unit`: expected a number, got `much`"),
        ({"pointer": "/a", "cost_per_unit": float("nan")}, "invalid `cost_per_unit`: expected a number, got `nan`"),
        ({"pointer": "/a", "cost_per_unit": 1, "required": 1}, "invalid `required`: expected a boolean, got `1`"),
    ],
)
def test_configuration_errors(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        CostRules.parse([entry], KEY)
    assert str(error.value) == f"{KEY}: {message}"
