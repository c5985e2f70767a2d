"""What a result says: medians over the rounds, ratios within a round, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from statistics import mean, median
from typing import Any

Result = dict[str, Any]
"""What `python -m bench.gateway --json` writes."""
Run = dict[str, Any]
Figure = Callable[[Run], float]
"""One number of a run."""
REFERENCE = "reference"


def throughput(run: Run) -> float:
    return float(run["load"]["requests_per_s"])


def cpu_us(run: Run) -> float:
    return float(run["cpu_us"]["total"])


def latency(percentile: str) -> Figure:
    return lambda run: float(run["load"]["latency_ms"][percentile])


def first_chunk(percentile: str) -> Figure:
    """Of a stream."""
    return lambda run: float(run["load"]["first_chunk_ms"][percentile])


def gap(percentile: str) -> Figure:
    """Between two chunks of a stream."""
    return lambda run: float(run["load"]["gap_ms"][percentile])


def cpu_us_a_chunk(run: Run) -> float:
    load = run["load"]
    return cpu_us(run) * load["answered"] / load["chunks"] if load["chunks"] else 0.0


def lost(run: Run) -> float:
    return float(run["load"]["failed"] + run["load"]["unanswered"])


def runs(result: Result, case: str, subject: str) -> list[Run]:
    """In the order of the rounds."""
    return [run for run in result["runs"] if run["case"] == case and run["subject"] == subject]


def typical(result: Result, case: str, subject: str, figure: Figure) -> float | None:
    """The median over the rounds; None when the subject did not run the case."""
    values = [figure(run) for run in runs(result, case, subject)]
    return median(values) if values else None


def paired(result: Result, case: str, subject: str, other: str) -> list[tuple[Run, Run]]:
    """The runs of two subjects that belong to the same round."""
    others = {run["round"]: run for run in runs(result, case, other)}
    return [(run, others[run["round"]]) for run in runs(result, case, subject) if run["round"] in others]


def added_ms(result: Result, case: str, subject: str, percentile: str) -> float | None:
    """How much more than the mock alone, as the median over the rounds."""
    figure = latency(percentile)
    differences = [figure(run) - figure(base) for run, base in paired(result, case, subject, "mock")]
    return median(differences) if differences else None


def ratio(result: Result, case: str, subject: str, other: str, figure: Figure) -> float | None:
    """`subject` over `other`, as the median over the rounds."""
    ratios = [figure(a) / figure(b) for a, b in paired(result, case, subject, other) if figure(b)]
    return median(ratios) if ratios else None


def peak(result: Result, subject: str, cases: Iterable[str]) -> tuple[float, str] | None:
    """The highest median throughput of the cases, and the case."""
    found = [(value, case) for case in cases if (value := typical(result, case, subject, throughput)) is not None]
    return max(found) if found else None


def case_names(result: Result, *, rate: bool) -> list[str]:
    return [case["name"] for case in result["cases"] if (case["rate_per_s"] is not None) == rate]


def number(value: float | None, digits: int = 2) -> str:
    """With thin groups of thousands; a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}".replace(",", " ")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns but the first are aligned to the right."""
    lines = [list(head), ["---", *["--:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- tables ------------------------------------------------------------------------------------------------------------


Column = tuple[str, Callable[[str], float | None], int]
"""A heading, its value for a subject, its decimals."""


def case_table(result: Result, case: str) -> str:
    """A line for each subject: in a closed loop its throughput, in an open one what it adds to the mock's latency."""
    is_open = case in case_names(result, rate=True)
    columns = _open_columns(result, case) if is_open else _closed_columns(result, case)
    columns += _common_columns(result, case)
    rows = ([name, *(number(value(name), digits) for _, value, digits in columns)] for name in result["subjects"])
    return markdown(["", *(heading for heading, _, _ in columns)], rows)


def _closed_columns(result: Result, case: str) -> list[Column]:
    def share(subject: str) -> float | None:
        return ratio(result, case, subject, REFERENCE, throughput)

    values = partial(typical, result, case)
    return [
        ("requests/s", partial(values, figure=throughput), 0),
        ("of the reference's", share, 2),
        ("p50 ms", partial(values, figure=latency("p50")), 2),
        ("p99 ms", partial(values, figure=latency("p99")), 2),
    ]


def _open_columns(result: Result, case: str) -> list[Column]:
    values, added = partial(typical, result, case), partial(added_ms, result, case)
    return [
        ("p50 ms", partial(values, figure=latency("p50")), 2),
        ("added p50", partial(added, percentile="p50"), 2),
        ("p99 ms", partial(values, figure=latency("p99")), 2),
        ("added p99", partial(added, percentile="p99"), 2),
    ]


def _common_columns(result: Result, case: str) -> list[Column]:
    values = partial(typical, result, case)
    chunks: list[Column] = [
        (f"first chunk {percentile}", partial(values, figure=first_chunk(percentile)), 2)
        for percentile in ("p50", "p99")
    ]
    chunks += [("between chunks p99", partial(values, figure=gap("p99")), 2)]
    cost: list[Column] = [("CPU µs/request", partial(values, figure=cpu_us), 0)]
    a_chunk: list[Column] = [("CPU µs/chunk", partial(values, figure=cpu_us_a_chunk), 1)]
    end: list[Column] = [("lost", partial(values, figure=lost), 0)]
    return [*chunks, *cost, *a_chunk, *end] if case.startswith("streamed") else [*cost, *end]


def subject_table(result: Result) -> str:
    head = ["", "version", "start to first answer s", "memory MB: idle", "warm", "after the run", "worker RSS MB"]
    return markdown(head, (_subject_row(name, facts) for name, facts in result["subjects"].items() if name != "mock"))


def _subject_row(name: str, facts: dict[str, Any]) -> list[str]:
    memory = [facts["memory_mb"][when] for when in ("idle", "warm", "end")]
    idle = [size for role, size in memory[0]["processes"] if role in ("worker", "server")]
    totals = [number(m["total"], 0) for m in memory]
    return [name, facts["version"], number(facts["first_answer_s"]), *totals, number(max(idle, default=0.0), 0)]


def soak_table(soak: dict[str, Any]) -> str:
    """Memory by role over the minutes, as means over tenths of them."""
    roles = [name for name in soak["memory_mb"][0] if name != "s"]
    rows = []
    for i, part in tenths(soak):
        sizes = [number(mean(sample[role] for sample in part), 0) for role in roles]
        rows.append([f"{10 * i}-{10 * i + 10} %", *sizes])
    return markdown(["of the time", *(f"{role} MB" for role in roles)], rows)


def tenths(soak: dict[str, Any]) -> Iterator[tuple[int, list[dict[str, float]]]]:
    """The samples of memory in ten parts, those without a sample left out."""
    samples = soak["memory_mb"]
    for i in range(10):
        part = samples[len(samples) * i // 10 : len(samples) * (i + 1) // 10]
        if part:
            yield i, part


def text(result: Result) -> str:
    """Everything, for the terminal."""
    parts = [f"{case['name']}\n{case_table(result, case['name'])}" for case in result["cases"]]
    parts += [f"half load\n{soak_table(result['soak'])}"] if "soak" in result else []
    return "\n\n".join([subject_table(result), *parts])
