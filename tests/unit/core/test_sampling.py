import csv
import io
from math import inf, nan

import pytest

from reference import sampling as reference
from t0._core import sampling

EPISODE = "01950000-0000-7000-8000-00000000000"
LAST_DRAW = 1 - 2**-32


def _tries(u, names):
    order = []
    while names:
        order.append(names.pop(sampling.pick_uniform(u, len(names))))
    return " ".join(order)


@pytest.mark.parametrize(
    ("function", "n", "first_bytes", "u", "order", "weighted"),
    [
        ("draft_email", 1, 0xB91C8D7C, 0.7230919292196631, "c b a", "b"),
        ("draft_email", 2, 0x35D453CF, 0.2102711086627096, "a b c", "a"),
        ("draft_email", 3, 0xC660DD8C, 0.7749155489727855, "c b a", "b"),
        ("draft_email", 4, 0x166F1501, 0.08763247751630843, "a b c", "a"),
        ("extract", 1, 0x91FF30D0, 0.5703001506626606, "b c a", "a"),
        ("extract", 2, 0x20559B1C, 0.1263062423095107, "a b c", "a"),
        ("extract", 3, 0x21E5BA44, 0.1324116149917245, "a b c", "a"),
        ("extract", 4, 0x88E389C3, 0.5347219563554972, "b c a", "a"),
    ],
)
def test_the_draws_of_the_reference(function, n, first_bytes, u, order, weighted):
    drawn = sampling.uniform(function, f"{EPISODE}{n}")
    assert drawn == u == first_bytes / 2**32
    assert _tries(drawn, ["a", "b", "c"]) == order
    assert "ab"[sampling.pick_weighted(drawn, [0.7, 0.3])] == weighted


def test_the_stream_is_the_golden_one(golden):
    with (golden / "sampling.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(reference.NAMES) * len(reference.EPISODES)
    drawn = [sampling.uniform(row["function_name"], row["episode_id"]) for row in rows]
    assert drawn == [float(row["u"]) for row in rows]


def test_the_golden_stream_is_what_its_generator_writes(golden):
    written = io.StringIO()
    reference.write_golden(written)
    assert (golden / "sampling.csv").read_text(encoding="utf-8") == written.getvalue()


def test_every_spelling_of_an_episode_draws_the_same():
    spellings = [f"{EPISODE}a", f"{EPISODE}A", f"{EPISODE}a".replace("-", ""), f"urn:uuid:{EPISODE}a"]
    assert {sampling.uniform("f", spelling) for spelling in spellings} == {reference.uniform("f", spellings[0])}


def test_an_episode_must_be_a_uuid():
    with pytest.raises(ValueError, match="invalid length: expected length 32 for simple format, found 3"):
        sampling.uniform("f", "abc")


@pytest.mark.parametrize(
    ("u", "n", "index"),
    [(0.0, 1, 0), (LAST_DRAW, 1, 0), (0.5, 2, 1), (0.5 - 2**-32, 2, 0), (LAST_DRAW, 1_000_000, 999_999)],
)
def test_equal_candidates(u, n, index):
    assert sampling.pick_uniform(u, n) == index


@pytest.mark.parametrize(
    ("u", "weights", "index"),
    [
        pytest.param(0.0, [0.0, 1.0], 1, id="weight-0-not-even-for-u-0"),
        pytest.param(LAST_DRAW, [1.0, 0.0], 0, id="weight-0-not-even-at-the-end"),
        pytest.param(0.5, [1.0, 1.0], 1, id="the-bound-belongs-to-the-next"),
        pytest.param(0.5 - 2**-32, [1.0, 1.0], 0, id="below-the-bound"),
        pytest.param(0.5, [1.0, 0.0, 1.0], 2, id="the-bound-skips-weight-0"),
        pytest.param(0.9, (2.0, 6.0), 1, id="weights-need-not-sum-to-1"),
        pytest.param(0.3, [1, 2], 0, id="whole-numbers"),
        pytest.param(0.5, [1e308, 1e308, 0.0], 1, id="a-total-beyond-all-floats-picks-the-last-positive"),
        pytest.param(0.5, [0.0, 0.0], -1, id="all-0"),
        pytest.param(0.5, [], -1, id="none"),
    ],
)
def test_weighted_candidates(u, weights, index):
    assert sampling.pick_weighted(u, weights) == index


@pytest.mark.parametrize(
    ("pick", "message"),
    [
        pytest.param(lambda: sampling.pick_uniform(1.0, 2), "u is 1.0, expected at least 0 and less than 1", id="u-1"),
        pytest.param(
            lambda: sampling.pick_uniform(nan, 2), "u is nan, expected at least 0 and less than 1", id="u-nan"
        ),
        pytest.param(lambda: sampling.pick_uniform(0.5, 0), "n is 0, expected at least 1", id="n-0"),
        pytest.param(
            lambda: sampling.pick_weighted(-0.5, [1.0]),
            "u is -0.5, expected at least 0 and less than 1",
            id="u-negative",
        ),
        pytest.param(
            lambda: sampling.pick_weighted(0.5, [1.0, -1.0]),
            "weights[1] is -1.0, expected a finite number of at least 0",
            id="weight-negative",
        ),
        pytest.param(
            lambda: sampling.pick_weighted(0.5, [nan]),
            "weights[0] is nan, expected a finite number of at least 0",
            id="weight-nan",
        ),
        pytest.param(
            lambda: sampling.pick_weighted(0.5, [inf]),
            "weights[0] is inf, expected a finite number of at least 0",
            id="weight-inf",
        ),
    ],
)
def test_what_cannot_be_picked_from_is_refused(pick, message):
    with pytest.raises(ValueError) as caught:
        pick()
    assert str(caught.value) == message
