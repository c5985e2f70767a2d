"""The regression gate: what it calls slower, and what it does not."""

from pathlib import Path

import numpy as np
import pytest
from bench.builds import BuildFailed, build, installed
from bench.compare import CPU, CYCLES, TIME, Comparison, Round, compare_rounds, table, take_rounds
from bench.verdict import Verdict, judge

SEEDS = range(20)


def ratios(seed: int, *, slower_by: float, pairs: int = 8, rounds: int = 4) -> list[list[float]]:
    """Of a noisy machine: 6 % between samples, 1 % between starts, and one in ten took half as long again."""
    random = np.random.default_rng(seed)
    starts = 1 + slower_by + random.normal(0, 0.01, rounds)
    spikes = 1 + 0.5 * (random.random((rounds, pairs)) < 0.1)
    return [list(start * random.normal(1, 0.06, pairs) * spike) for start, spike in zip(starts, spikes, strict=True)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_code_is_never_slower(seed: int) -> None:
    assert judge(ratios(seed, slower_by=0), 0.03).judgement in ("same", "unclear")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tenth_more_is_slower(seed: int) -> None:
    assert judge(ratios(seed, slower_by=0.10, rounds=8), 0.03).judgement == "slower"


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([[1.0, 1.0], [1.0, 1.0]], "same"),
        ([[1.02, 1.02]], "same"),
        ([[1.05, 1.06]], "slower"),
        ([[0.90, 0.91]], "faster"),
        ([[1.0, 1.0], [1.1, 1.1]], "unclear"),
    ],
)
def test_judgements(rounds: list[list[float]], expected: str) -> None:
    assert judge(rounds, 0.03).judgement == expected


def test_the_same_ratios_give_the_same_verdict() -> None:
    measured = ratios(0, slower_by=0.02)
    assert judge(measured, 0.03) == judge(measured, 0.03)


def test_starts_are_the_evidence_not_the_pairs_of_one() -> None:
    """Many pairs of one lucky start must not look certain."""
    few = judge([[1.0] * 50, [1.06] * 50], 0.03)
    assert (few.low, few.high) == (1.0, 1.06)


def test_each_figure_is_compared_with_its_own_tolerance() -> None:
    pair = ({CPU: 100.0, TIME: 50.0}, {CPU: 107.0, TIME: 53.5})
    cpu, time = compare_rounds("complete", [[pair, pair]])
    assert cpu == Comparison("complete", CPU, 100.0, 107.0, Verdict(1.07, 1.07, 1.07, "slower"))
    assert time == Comparison("complete", TIME, 50.0, 53.5, Verdict(1.07, 1.07, 1.07, "same"))
    assert table([cpu]).splitlines()[-1] == (
        "| complete | CPU µs/request | 100.0 | 107.0 | +7.0% | +7.0% … +7.0% | 3% | slower |"
    )


@pytest.mark.parametrize(
    ("heads", "taken"),
    [([100, 100, 100, 100], 2), ([100, 110, 110, 110], 4), ([110, 110, 100, 100], 2)],
    ids=["clear at once", "unclear to the end", "clearly slower"],
)
def test_more_rounds_are_taken_while_it_is_unclear(heads: list[int], taken: int) -> None:
    def take(number: int) -> Round:
        return [({CYCLES: 100.0}, {CYCLES: float(heads[number])})]

    assert len(take_rounds(take, least=2, most=4)) == taken


def test_one_slower_figure_settles_it() -> None:
    def take(number: int) -> Round:
        return [({CPU: 100.0, TIME: 100.0}, {CPU: 120.0, TIME: 100.0 + 30 * (number % 2)})]

    assert len(take_rounds(take, least=2, most=4)) == 2


def test_what_cannot_be_built_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"`no-such-revision` is neither a folder with a setup\.py nor a revision"):
        build("no-such-revision", tmp_path / "a")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "setup.py").write_text("raise SystemExit('nothing to build')")
    with pytest.raises(BuildFailed, match="nothing to build"):
        build(str(broken), tmp_path / "b")
    with pytest.raises(BuildFailed, match="has no t0"):
        installed("/usr/bin/false")


def test_a_folder_runs_from_what_was_built_of_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "src" / "t0").mkdir(parents=True)
    (source / "src" / "t0" / "__init__.py").write_text("")
    (source / "setup.py").write_text("from setuptools import setup; setup(package_dir={'': 'src'}, packages=['t0'])")
    copy = tmp_path / "copy"
    assert build(str(source), copy).env == {"PYTHONPATH": str(copy / "library")}
