"""How the variant of a request is chosen, and which ones are tried after it."""

import itertools

import pytest

from kit import chat, make, model, variant
from t0._core import sampling
from t0.errors import ConfigError
from t0.experimentation.base import Experiment
from t0.experimentation.rules import StaticRule, UniformRule

VECTORS = [
    ("draft_email", 1, "b91c8d7c", 0.7230919292196631, "cba", "b"),
    ("draft_email", 2, "35d453cf", 0.2102711086627096, "abc", "a"),
    ("draft_email", 3, "c660dd8c", 0.7749155489727855, "cba", "b"),
    ("draft_email", 4, "166f1501", 0.08763247751630843, "abc", "a"),
    ("extract", 1, "91ff30d0", 0.5703001506626606, "bca", "a"),
    ("extract", 2, "20559b1c", 0.1263062423095107, "abc", "a"),
    ("extract", 3, "21e5ba44", 0.1324116149917245, "abc", "a"),
    ("extract", 4, "88e389c3", 0.5347219563554972, "bca", "a"),
]
IDS = [f"{function}-{n}" for function, n, *_ in VECTORS]


def order(rule, u, names):
    """All variants in the order in which they are tried."""
    active, tried = set(names), []
    while (name := rule.pick(u, active)) is not None:
        active.remove(name)
        tried.append(name)
    return tried


@pytest.mark.parametrize(("function", "n", "head", "u", "uniform", "weighted"), VECTORS, ids=IDS)
def test_the_draw_is_the_references(function, n, head, u, uniform, weighted):
    drawn = sampling.uniform(function, f"01950000-0000-7000-8000-00000000000{n}")
    assert drawn == u == int(head, 16) / 2**32
    assert order(UniformRule(), drawn, "abc") == list(uniform)
    assert StaticRule({"a": 0.7, "b": 0.3}, []).pick(drawn, ["a", "b"]) == weighted


ORDERS = {
    "weights": ({"a": 1, "b": 1}, [], 0.4, "ab", "ab"),
    "second": ({"a": 1, "b": 1}, [], 0.6, "ab", "ba"),
    "on the border": ({"a": 1, "b": 1}, [], 0.5, "ab", "ba"),
    "the same draw among the rest": ({"a": 1, "b": 1, "c": 2}, [], 0.3, "abc", "bac"),
    "fallbacks in their order": ({"a": 1}, ["d", "c"], 0.9, "abcd", "adc"),
    "weight 0 comes last": ({"a": 1, "b": 0}, ["d", "c"], 0.0, "abcd", "adcb"),
    "only fallbacks": ({}, ["b", "a"], 0.9, "ab", "ba"),
    "weights of 0": ({"a": 0, "b": 0}, [], 0.7, "ab", "ba"),
    "nothing is listed": ({}, [], 0.7, "abc", "cba"),
    "not listed, never tried": ({"a": 1}, ["b"], 0.5, "abc", "ab"),
    "of other functions": ({"zz": 1, "a": 1}, ["yy"], 0.9, "ab", "a"),
    "large weights": ({"a": 1e300, "b": 1e300}, [], 0.9, "ab", "ba"),
}


@pytest.mark.parametrize(("weights", "fallbacks", "u", "names", "expected"), ORDERS.values(), ids=ORDERS)
def test_static_orders(weights, fallbacks, u, names, expected):
    assert order(StaticRule(weights, fallbacks), u, names) == list(expected)


def test_names_are_in_the_order_of_their_bytes():
    names = ["b", "a", "Z", "ä", "z", "\U0001f600", "\uffff"]
    assert [UniformRule().pick(i / 7, names) for i in range(7)] == ["Z", "a", "b", "z", "ä", "\uffff", "\U0001f600"]


def test_a_single_variant_is_always_the_one():
    assert [UniformRule().pick(u, ["a"]) for u in (0.0, 0.999)] == ["a", "a"]
    assert UniformRule().pick(0.5, []) is None


def test_namespaces_have_rules_of_their_own():
    base, own = UniformRule(), StaticRule({"a": 1}, [])
    experiment = Experiment(base, {"ns": own})
    assert [experiment.rule(n) for n in (None, "ns", "other")] == [base, own, base]


# -- from the configuration --------------------------------------------------------------------------------------------


def configured(folder, keys="", variants=("a", "b", "c"), weights=()):
    """The order at which a draw of 0.6 tries the variants."""
    pairs = itertools.zip_longest(variants, weights)
    tables = [variant(n, "" if w is None else f"weight = {w}") for n, w in pairs]
    experiment = f"[functions.f.experimentation]\n{keys}\n" if keys else ""
    gateway = make(folder, model() + chat(*tables, keys=experiment)).gateway
    function = gateway.functions["f"]
    return "".join(order(function.experiment.rule(None), 0.6, function.variants))


CONFIGURED = {
    "nothing": ("", (), "bca"),
    "legacy weights": ("", (1, 3, 0), "ba"),
    "legacy weights of some": ("", (1,), "abc"),
    "legacy weight 0": ("", (0, 1, 1), "cb"),
    "static": ("type = 'static'\ncandidate_variants = { a = 0.7, b = 0.3 }", (), "ab"),
    "static list": ("type = 'static'\ncandidate_variants = ['b', 'c']\nfallback_variants = ['a']", (), "cba"),
    "static weights": ("type = 'static_weights'\ncandidate_variants = { a = 0.1, c = 0.9 }", (), "ca"),
    "uniform": ("type = 'uniform'", (), "bca"),
    "uniform with candidates": ("type = 'uniform'\ncandidate_variants = ['a', 'b']", (), "ba"),
    "uniform with fallbacks": ("type = 'uniform'\nfallback_variants = ['c', 'a']", (), "ca"),
}


@pytest.mark.parametrize(("keys", "weights", "expected"), CONFIGURED.values(), ids=CONFIGURED)
def test_configured_orders(tmp_path, keys, weights, expected):
    assert configured(tmp_path, keys, weights=weights) == expected


def test_nothing_to_choose_from_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="At least one is required"):
        configured(tmp_path, "type = 'static'\ncandidate_variants = { a = 0 }")
