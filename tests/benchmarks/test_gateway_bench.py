"""The gateway benchmark: what it reads from processes, what it makes of its figures, and one short run."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench.gateway import soak, summary
from bench.gateway.__main__ import run
from bench.gateway.cases import FULL, MOCKS, QUICK, Case, Plan
from bench.gateway.loadgen import Mocks
from bench.gateway.processes import Server, StartFailed, cpu_seconds, memory_mb
from bench.gateway.subjects import T0, MockAlone, request_body
from bench.report import page


def test_cpu_of_another_process_is_what_it_says_itself() -> None:
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint(time.process_time(), flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        said = float(child.stdout.readline())
        assert said <= cpu_seconds(child.pid) < said + 0.05
        assert memory_mb(child.pid)["rss"] >= memory_mb(child.pid)["pss"] > 1
        child.kill()
    assert cpu_seconds(child.pid) == 0.0
    assert memory_mb(child.pid) == {"rss": 0.0, "pss": 0.0}


def test_a_server_is_stopped_with_all_below_it(tmp_path: Path) -> None:
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print('up', flush=True); p.wait()"
    with Server([sys.executable, "-c", code], tmp_path, {}) as server:
        while "up" not in server.log.read_text():
            time.sleep(0.01)
        pids = server.pids()
    assert len(pids) == 2
    for _ in range(100):
        if not any(Path(f"/proc/{pid}/cmdline").exists() and b"sleep" in cmdline(pid) for pid in pids):
            return
        time.sleep(0.01)
    pytest.fail(f"{pids} are still there")


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_what_does_not_start_tells_its_output(tmp_path: Path) -> None:
    server = Server([sys.executable, "-c", "raise SystemExit('no port')"], tmp_path, {})
    server.process.wait()
    with pytest.raises(StartFailed, match="exit code 1\nno port"):
        server.check_alive()
    server.stop()


def test_gateways_are_not_configured_by_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TENSORZERO_CLICKHOUSE_URL", "OPENAI_API_KEY", "https_proxy", "T0_PORT"):
        monkeypatch.setenv(name, "x")
    server = Server([sys.executable, "-c", "import os; print(sorted(os.environ))"], tmp_path, {"EXTRA": "1"})
    server.process.wait()
    server.stop()
    names = server.log.read_text()
    assert "'EXTRA'" in names
    assert [n for n in ("TENSORZERO_CLICKHOUSE_URL", "OPENAI_API_KEY", "https_proxy", "T0_PORT") if n in names] == []


@pytest.mark.parametrize("plan", [QUICK, FULL], ids=lambda plan: plan.name)
def test_plans_name_each_case_once_and_cover_both_forms(plan: Plan) -> None:
    names = [case.name for case in plan.cases]
    assert len(names) == len(set(names))
    assert {(case.stream, case.rate_per_s is not None) for case in plan.cases} == {
        (stream, is_open) for stream in (True, False) for is_open in (True, False)
    }


def test_requests_have_the_prompt_asked_for() -> None:
    body = json.loads(request_body("m", 100, stream=True))
    assert (body["model"], body["stream"], len(body["messages"][0]["content"])) == ("m", True, 100)


# -- figures -----------------------------------------------------------------------------------------------------------


def measured(case: str, subject: str, turn: int, per_s: float, p99: float, cpu: float) -> dict[str, Any]:
    names = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")
    load = {"requests_per_s": per_s, "latency_ms": dict.fromkeys(names, p99), "failed": 0, "unanswered": 0}
    return {
        "case": case,
        "subject": subject,
        "round": turn,
        "load": load,
        "cpu_us": {"total": cpu, "worker": cpu},
        "stored_after_s": None,
    }


@pytest.fixture
def result() -> dict[str, Any]:
    closed, open_loop = "complete, small, 32 connections", "complete, small, 1000 requests/s"
    t0 = "t0, 1 worker, stored"
    memory = {"total": 90.0, "processes": [["launcher", 30.0], ["worker", 44.0]]}
    facts = {"version": "1", "first_answer_s": 0.5, "memory_mb": dict.fromkeys(("idle", "warm", "end"), memory)}
    figures = {
        closed: {"mock": (90_000, 1, 2), t0: (20_000, 3, 50), "reference": (10_000, 8, 100)},
        open_loop: {"mock": (1000, 1, 2), t0: (1000, 1.5, 60), "reference": (1000, 4, 110)},
    }
    return {
        "started": "2026-11-24T16:00:00+00:00",
        "flags": ["--quick"],
        "machine": {"cpu": "P", "cores": 2, "memory_gb": 8, "system": "Linux", "load_average_before": 0.1},
        "versions": {"python": "3.13.0"},
        "plan": {"rounds": 2, "duration_s": 2.0, "warm_up_s": 0.5},
        "cases": [{"name": closed, "rate_per_s": None}, {"name": open_loop, "rate_per_s": 1000}],
        "subjects": {"mock": facts, t0: {**facts, "answers": 7, "rows": {"ChatInference": 7}}, "reference": facts},
        "runs": [
            measured(case, subject, turn, *numbers)
            for case, subjects in figures.items()
            for turn in range(2)
            for subject, numbers in subjects.items()
        ],
    }


def test_tables_hold_medians_ratios_and_differences(result: dict[str, Any]) -> None:
    result["runs"][0]["load"]["requests_per_s"] = 70_000
    assert summary.case_table(result, "complete, small, 32 connections").splitlines()[2:] == [
        "| mock | 80 000 | 8.00 | 1.00 | 1.00 | 2 | 0 |",
        "| t0, 1 worker, stored | 20 000 | 2.00 | 3.00 | 3.00 | 50 | 0 |",
        "| reference | 10 000 | 1.00 | 8.00 | 8.00 | 100 | 0 |",
    ]
    assert summary.case_table(result, "complete, small, 1000 requests/s").splitlines()[2:] == [
        "| mock | 1.00 | 0.00 | 1.00 | 0.00 | 2 | 0 |",
        "| t0, 1 worker, stored | 1.50 | 0.50 | 1.50 | 0.50 | 60 | 0 |",
        "| reference | 4.00 | 3.00 | 4.00 | 3.00 | 110 | 0 |",
    ]
    assert summary.subject_table(result).splitlines()[2] == "| t0, 1 worker, stored | 1 | 0.50 | 90 | 90 | 90 | 44 |"


def test_streams_show_their_first_chunk(result: dict[str, Any]) -> None:
    case = "streamed, small, 32 connections"
    result["cases"].append({"name": case, "rate_per_s": None})
    one = measured(case, "mock", 0, 500, 9, 3)
    one["load"] |= {"first_chunk_ms": {"p50": 1.5, "p99": 4.0}, "gap_ms": {"p99": 51}, "answered": 10, "chunks": 130}
    result["runs"].append(one)
    head, _, row, *_ = summary.case_table(result, case).splitlines()
    assert head == (
        "|  | requests/s | of the reference's | p50 ms | p99 ms "
        "| first chunk p50 | first chunk p99 | between chunks p99 | CPU µs/request | CPU µs/chunk | lost |"
    )
    assert row == "| mock | 500 | – | 9.00 | 9.00 | 1.50 | 4.00 | 51.00 | 3 | 0.2 | 0 |"


def test_what_was_not_measured_is_a_dash(result: dict[str, Any]) -> None:
    result["runs"] = [r for r in result["runs"] if r["subject"] != "reference"]
    rows = summary.case_table(result, "complete, small, 32 connections").splitlines()
    assert rows[-1] == "| reference | – | – | – | – | – | – |"


def test_the_page_begins_with_the_method_and_ends_with_the_raw_results(result: dict[str, Any]) -> None:
    text = page(result)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Method",
        "## In short",
        "## Start and memory",
        "## Closed loop",
        "## Open loop",
        "## Raw results",
    ]
    assert "Generated from one run of `python -m bench.gateway --quick` on 2026-11-24." in text
    assert "2 times the throughput of the reference" in text
    assert "(complete, small, 1000 requests/s): t0, 1 worker, stored 0.50 ms, reference 3.00 ms" in text
    assert "- t0, 1 worker, stored: 7 answers, 7 rows in `ChatInference`" in text
    assert "was busy" not in text
    assert text.count("\n| complete, small,") == len(result["runs"])


def test_the_page_warns_of_a_busy_machine(result: dict[str, Any]) -> None:
    result["machine"]["load_average_before"] = 1.5
    assert "**The machine was busy with other work (load 1.5 on 2 cores)" in page(result)


# -- a run -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("cargo") is None, reason="the load generator needs Rust: no `cargo`")
def test_a_run_measures_and_counts_every_row(tmp_path: Path) -> None:
    cases = [Case(False, kind, 4) for kind in ("small", "100 kB", "templates", "native")]
    cases += [Case(True, kind, 4) for kind in ("small", "burst", "native")]
    cases += [Case(False, "small", 64, rate_per_s=100), Case(True, "paced", 20)]
    plan = Plan("test", cases, rounds=1, warm_up_s=0.1, duration_s=0.3)
    subject = T0(workers=1, stores=True)
    result = run(plan, [MockAlone(), subject], tmp_path)
    facts = result["subjects"][subject.name]
    assert facts["rows"] == {"ChatInference": facts["answers"], "ModelInference": facts["answers"]}
    assert facts["answers"] > 50
    roles = {"launcher", "worker", "recorder", "store"}
    for case in cases:
        (one,) = summary.runs(result, case.name, subject.name)
        assert (one["load"]["failed"], one["load"]["unanswered"]) == (0, 0)
        chunks = {"small": 10, "native": 10, "burst": 102, "paced": 20}[case.kind] if case.stream else 0
        assert one["load"].get("chunks", 0) >= chunks * one["load"]["answered"]
        assert roles <= set(one["cpu_us"])
        assert one["cpu_us"]["worker"] > 0
    assert {name for name, _ in facts["memory_mb"]["end"]["processes"]} == roles
    assert json.loads(json.dumps(result)) is not None
    assert set(os.listdir(tmp_path / "mock")) == set(MOCKS)


@pytest.mark.skipif(shutil.which("cargo") is None, reason="the load generator needs Rust: no `cargo`")
def test_half_load_samples_memory_and_counts_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]
) -> None:
    monkeypatch.setattr(soak, "PEAK_S", 0.5)
    monkeypatch.setattr(soak, "SAMPLE_S", 0.3)
    with Mocks(tmp_path / "mock") as mocks:
        told = soak.soak(tmp_path / "t0", mocks, minutes=2 / 60, workers=1)
    assert told["rows"] == {"ChatInference": told["answers"], "ModelInference": told["answers"]}
    assert (told["load"]["failed"], told["load"]["unanswered"]) == (0, 0)
    assert told["answers"] > told["load"]["answered"] > 0
    assert {"s", "total", "worker", "store", "recorder"} <= set(told["memory_mb"][0])
    text = page({**result, "soak": told})
    assert f"at {told['rate_per_s']} requests/s, half of what it can answer and store" in text
    assert summary.soak_table(told) in text
