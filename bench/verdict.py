"""Whether one of two programs is slower, from measurements taken in pairs.

Each round starts both programs afresh, and takes pairs of measurements that follow each other closely; what the machine
does besides falls on both of a pair. The estimate is the median of their ratios. Its confidence interval comes from a
bootstrap that redraws the rounds and then the pairs inside them, since pairs of one round share the luck of one start
(memory layout, hash seeds) and are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.99
DRAWS = 4000

Judgement = Literal["slower", "faster", "same", "unclear"]


@dataclass(frozen=True)
class Verdict:
    """`ratio` is head over base, lower is better; `low` to `high` holds it with the confidence above."""

    ratio: float
    low: float
    high: float
    judgement: Judgement


def judge(rounds: Sequence[Sequence[float]], tolerance: float) -> Verdict:
    """The verdict on paired ratios, equally many in each round. `tolerance` is the share that nobody minds.

    `slower`: the whole interval lies above the tolerance. `unclear`: it lies on both sides; more rounds will tell.
    """
    ratios = np.asarray(rounds)
    low, high = interval(ratios)
    return Verdict(float(np.median(ratios)), low, high, _judgement(low, high, tolerance))


def _judgement(low: float, high: float, tolerance: float) -> Judgement:
    if low > 1 + tolerance:
        return "slower"
    if high > 1 + tolerance:
        return "unclear"
    return "faster" if high < 1 - tolerance else "same"


def interval(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """Of the median of rounds × pairs, by bootstrap; the same for the same ratios."""
    random = np.random.default_rng(0)
    rounds, pairs = ratios.shape
    chosen_rounds = random.integers(rounds, size=(DRAWS, rounds, 1))
    chosen_pairs = random.integers(pairs, size=(DRAWS, rounds, pairs))
    medians = np.median(ratios[chosen_rounds, chosen_pairs], axis=(1, 2))
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
