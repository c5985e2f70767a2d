from math import floor

from hypothesis import given
from hypothesis import strategies as st

from reference import sampling as reference
from t0._core import sampling

DRAWS = st.integers(0, 2**32 - 1).map(lambda word: word / 2**32)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
WEIGHTS = st.lists(st.just(0.0) | st.floats(0, 1e6), max_size=8)


@given(NAMES, st.uuids().map(str))
def test_the_draw_is_the_hash(name, episode):
    assert sampling.uniform(name, episode) == reference.uniform(name, episode)


@given(DRAWS, st.integers(1, 10_000))
def test_equal_candidates(u, n):
    assert sampling.pick_uniform(u, n) == floor(u * n)


@given(DRAWS, WEIGHTS)
def test_weighted_candidates(u, weights):
    index = sampling.pick_weighted(u, weights)
    assert index == reference.pick_weighted(u, weights)
    assert weights[index] > 0 if sum(weights) > 0 else index == -1


# Sums below that have too few digits left to be divided evenly.
@given(WEIGHTS.filter(lambda weights: sum(weights) > 1e-300), st.integers(1, 1_000))
def test_draws_spread_as_the_weights_do(weights, draws):
    picked = [sampling.pick_weighted(draw / draws, weights) for draw in range(draws)]
    for index, weight in enumerate(weights):
        assert abs(picked.count(index) - draws * weight / sum(weights)) <= 1.001
    assert picked == sorted(picked)
