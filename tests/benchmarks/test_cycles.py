"""What callgrind counted, as cycles."""

import pytest
from bench.cycles import estimated
from bench.gateway.loadgen import LoadFailed

PROFILE = """\
version: 1
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
fn=(1) main
3 100 1 1 1 1 1 1 1 1

summary: 1000 300 200 10 20 30 1 2 3
totals: 1000 300 200 10 20 30 1 2 3
"""


def test_a_miss_costs_more_than_an_instruction() -> None:
    assert estimated(PROFILE) == 1000 + 10 * (10 + 20 + 30) + 40 * (1 + 2 + 3)


def test_a_profile_without_counts_is_refused() -> None:
    with pytest.raises(LoadFailed, match="callgrind wrote no summary for the worker"):
        estimated(PROFILE.partition("summary")[0])
    with pytest.raises(LoadFailed, match="callgrind counted Ir, expected Ir, I1mr, D1mr, D1mw, ILmr, DLmr, DLmw"):
        estimated("events: Ir\nsummary: 1000\n")
