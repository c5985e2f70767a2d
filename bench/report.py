"""Generates `docs/benchmarks.md` from the JSON of `python -m bench.gateway`.

python -m bench.report result.json [--output docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from bench.gateway import summary
from bench.gateway.cases import MOCKS
from bench.gateway.subjects import MODEL, TENSORZERO_TOML
from bench.gateway.summary import REFERENCE, Figure, Result, Run, markdown, number

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BUSY = 0.5
"""Load for each core, before the run, above which the page warns."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__.partition("\n")[0])
    parser.add_argument("result", type=Path, metavar="JSON")
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE", help="default: docs/benchmarks.md")
    options = parser.parse_args()
    options.output.write_text(page(json.loads(options.result.read_text())))
    return 0


def page(result: Result) -> str:
    parts = ["# Benchmarks", _opening(result), *_method(result), *_short(result), *_tables(result), *_raw(result)]
    return "\n\n".join(parts) + "\n"


def _opening(result: Result) -> str:
    command = " ".join(["python -m bench.gateway", *result["flags"]])
    return (
        f"Generated from one run of `{command}` on {result['started'][:10]}. "
        "Do not edit: `python -m bench.report JSON` writes this page."
    )


# -- method ------------------------------------------------------------------------------------------------------------


def _method(result: Result) -> Iterator[str]:
    machine, plan = result["machine"], result["plan"]
    yield "## Method"
    if machine["load_average_before"] > BUSY * machine["cores"]:
        yield (
            f"**The machine was busy with other work (load {machine['load_average_before']} on {machine['cores']} "
            "cores): compare the lines of a table with each other, and take no figure for what the software can do.**"
        )
    rows = [["processor", f"{machine['cpu']}, {machine['cores']} cores"], ["memory", f"{machine['memory_gb']} GB"]]
    rows += [["system", machine["system"]], ["load before the run", str(machine["load_average_before"])]]
    rows += [[name, version] for name, version in result["versions"].items() if version]
    yield markdown(["", ""], rows)
    yield (
        "Load generator, mock provider and gateways run on the same machine; the gateways are all up during the whole "
        "run. In a round, a case is offered to the mock alone and to each gateway in turn; there are "
        f"{plan['rounds']} rounds of each case. Figures are medians over the rounds, ratios and differences are taken "
        f"within a round. A measurement lasts {plan['duration_s']:g} s after a warm-up of {plan['warm_up_s']:g} s. "
        "The mock answers at once: what is measured is the gateway and nothing else."
    )
    yield _definitions()
    yield (
        "t0 runs as `t0 gateway --workers N`, the reference inside its Python package, LiteLLM as "
        "`litellm --num_workers 1`. No cache, key check or limit is on. t0 and the reference read this configuration, "
        "with `observability.enabled = true` where inferences are stored:"
    )
    urls = dict.fromkeys(MOCKS, "http://127.0.0.1:PORT/openai")
    toml = TENSORZERO_TOML.format(stores="false", model=MODEL, **urls)
    yield f"```toml\n{toml}```"


def _definitions() -> str:
    rows = [
        ("closed loop", "each connection sends its next request when the answer to the last one is complete"),
        ("open loop", "requests are due at random times (Poisson) at the given rate, whatever the gateway does"),
        ("latency", "from the time a request is due to the last byte of its answer; waiting for a connection counts"),
        ("added", "the gateway's percentile less that of the mock alone"),
        ("CPU", "user and system time of all processes of the gateway, until the last row is in the database"),
        ("memory", "proportional set size of all processes of the gateway, the embedded database included"),
        ("lost", "requests that failed or had no answer 5 s after the end"),
        ("small, 100 kB", "bytes of the prompt: 15 or 100 000; a streamed answer has 10 chunks of text"),
        ("templates", "a function that validates and renders the system and the user message; the mock gets `small`"),
        ("native", "the same as `small` to `/inference`; the reference's package serves the other route only"),
        ("burst, paced", "streams of 102 chunks at once, or of 20 chunks with 50 ms between them"),
    ]
    return "\n".join(f"- **{word}**: {meaning}" for word, meaning in rows)


# -- what it says ------------------------------------------------------------------------------------------------------


def _short(result: Result) -> Iterator[str]:
    yield "## In short"
    sentences = [_peak_sentence(result, name) for name in result["subjects"] if name != "mock"]
    sentences += [_p99_sentence(result), *_row_sentences(result)]
    yield "\n".join(f"- {sentence}" for sentence in sentences if sentence)


def _peak_sentence(result: Result, subject: str) -> str:
    peak = summary.peak(result, subject, _small_complete(result))
    if peak is None:
        return ""
    throughput, case = peak
    cpu = summary.typical(result, case, subject, summary.cpu_us)
    sentence = f"{subject}: at most {number(throughput, 0)} requests/s ({case}), {number(cpu, 0)} µs of CPU for each"
    other = summary.peak(result, REFERENCE, _small_complete(result))
    if other is None or subject.startswith(REFERENCE):
        return sentence
    return f"{sentence}; {throughput / other[0]:.3g} times the throughput of the reference"


def _small_complete(result: Result) -> list[str]:
    return [name for name in summary.case_names(result, rate=False) if name.startswith("complete, small")]


def _p99_sentence(result: Result) -> str:
    """At the highest rate that t0 and the reference kept up with; slower peers may be missing."""
    expected = {name for name in result["subjects"] if name.startswith(("t0", REFERENCE))}
    for case in reversed([name for name in summary.case_names(result, rate=True) if name.startswith("complete")]):
        kept_up = [name for name in result["subjects"] if summary.typical(result, case, name, summary.lost) == 0]
        if expected <= set(kept_up):
            added = ((name, summary.added_ms(result, case, name, "p99")) for name in kept_up if name != "mock")
            shown = ", ".join(f"{name} {number(value)} ms" for name, value in added)
            return f"99th percentile over the mock ({case}): {shown}"
    return ""


def _row_sentences(result: Result) -> Iterator[str]:
    for name, facts in result["subjects"].items():
        if facts.get("rows"):
            tables = ", ".join(f"{number(count, 0)} rows in `{table}`" for table, count in facts["rows"].items())
            yield f"{name}: {number(facts['answers'], 0)} answers, {tables}"


def _tables(result: Result) -> Iterator[str]:
    yield "## Start and memory"
    yield summary.subject_table(result)
    yield "## Closed loop"
    for case in summary.case_names(result, rate=False):
        yield f"### {case[0].upper()}{case[1:]}"
        yield summary.case_table(result, case)
    yield "## Open loop"
    for case in summary.case_names(result, rate=True):
        yield f"### {case[0].upper()}{case[1:]}"
        yield summary.case_table(result, case)
    if "soak" in result:
        yield "## Half load"
        yield _soak_sentence(result["soak"])
        yield summary.soak_table(result["soak"])


def _soak_sentence(soak: dict[str, Any]) -> str:
    load, parts = soak["load"], [part for _, part in summary.tenths(soak)]
    first, last = (mean(sample["total"] for sample in parts[i]) for i in (min(1, len(parts) - 1), -1))
    rows = ", ".join(f"{number(count, 0)} rows in `{table}`" for table, count in soak["rows"].items())
    p50, p99 = (number(load["latency_ms"][percentile]) for percentile in ("p50", "p99"))
    return (
        f"{soak['subject']}, 100 kB prompts for {soak['minutes']:g} minutes at {soak['rate_per_s']} requests/s, half "
        f"of what it can answer and store: p50 {p50} ms, p99 {p99} ms, {load['failed'] + load['unanswered']} lost; "
        f"{number(soak['answers'], 0)} answers, {rows}, the last of them {number(soak['stored_after_s'], 1)} s after "
        f"the end. Memory of all processes in the second tenth of the time: {number(first, 0)} MB, in the last: "
        f"{number(last, 0)} MB. A role's figure is its resident set, with the rings, which workers and recorder share; "
        "the total counts shared pages once."
    )


# -- raw results -------------------------------------------------------------------------------------------------------


def _raw(result: Result) -> Iterator[str]:
    yield "## Raw results"
    yield "A line for each measurement, in the order of the run. CPU in µs for each request; latencies in ms."
    head = ["case", "subject", "round", "requests/s", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    head += ["first chunk p50", "p99", "between chunks p50", "p99", "CPU", "lost", "stored after s"]
    yield markdown(head, map(_raw_row, result["runs"]))


def _raw_row(run: Run) -> list[str]:
    figures: list[Figure] = [summary.latency(name) for name in ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")]
    first = run["load"].get("first_chunk_ms")
    gap = run["load"].get("gap_ms")
    chunks = [number(part[name], 3) for part in (first, gap) for name in ("p50", "p99")] if first else [""] * 4
    stored = "" if run["stored_after_s"] is None else number(run["stored_after_s"], 1)
    cells = [number(summary.throughput(run), 0), *(number(figure(run), 3) for figure in figures), *chunks]
    cpu = ", ".join(f"{role} {value:.0f}" for role, value in run["cpu_us"].items() if value >= 0.5)
    return [run["case"], run["subject"], str(run["round"] + 1), *cells, cpu, number(summary.lost(run), 0), stored]


if __name__ == "__main__":
    sys.exit(main())
