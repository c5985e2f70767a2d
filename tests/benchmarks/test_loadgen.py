"""The load generator and the mock provider: their own tests, and what they do to each other."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.gateway.loadgen import SOURCE, LoadFailed, Mock, binary, load

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the load generator needs Rust: no `cargo`")

COMPLETE, STREAM = b'{"messages": []}', b'{"messages": [], "stream": true}'


def test_its_own_tests_pass() -> None:
    run = subprocess.run(["cargo", "test", "--offline", "--quiet"], cwd=SOURCE, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def mock(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mock]:
    """With the options that the test is parametrized with."""
    with Mock(tmp_path / "mock", getattr(request, "param", ()), limit_s=60) as server:
        yield server


def offer(mock: Mock, body: bytes, *options: str) -> dict[str, Any]:
    return load(f"{mock.url}/chat/completions", body, ["--warm-up", "0", *options])


def test_the_mock_answers_as_openai_does(mock: Mock) -> None:
    request = urllib.request.Request(f"{mock.url}/chat/completions", COMPLETE)
    with urllib.request.urlopen(request, timeout=10) as answer:
        raw = answer.read()
    assert len(raw) == 622
    assert json.loads(raw)["choices"][0]["message"]["content"].startswith("The answer is made of these words")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{mock.url}/models", timeout=10)


def test_a_closed_loop_counts_every_request(mock: Mock) -> None:
    figures = offer(mock, COMPLETE, "--connections", "4", "--requests", "1000")
    counts = ("answered_in_all", "answered", "failed", "unanswered", "failures", "rate_per_s", "loop")
    assert {k: figures[k] for k in counts} == {
        "answered_in_all": 1000,
        "answered": 1000,
        "failed": 0,
        "unanswered": 0,
        "failures": {},
        "rate_per_s": None,
        "loop": "closed",
    }
    assert sorted(figures["latency_ms"].values(), key=float)[-1] == figures["latency_ms"]["max"] > 0


@pytest.mark.parametrize("mock", [["--latency-ms", "20"]], indirect=True, ids=["slow"])
def test_an_open_loop_charges_a_server_for_what_had_to_wait(mock: Mock) -> None:
    """One connection answers 50 requests/s at most; of 200/s the later ones wait ever longer, and count so."""
    options = ["--rate", "200", "--arrivals", "uniform", "--connections", "1", "--duration", "0.5", "--drain", "0.2"]
    figures = offer(mock, COMPLETE, *options)
    assert figures["answered"] + figures["unanswered"] == 100
    assert figures["unanswered"] > 50
    assert figures["latency_ms"]["p50"] > 100 > 20 < figures["latency_ms"]["p90"]


@pytest.mark.parametrize(
    "mock", [["--chunks", "5", "--gap-ms", "4", "--latency-ms", "10"]], indirect=True, ids=["paced"]
)
def test_streams_show_their_first_chunk_and_their_gaps(mock: Mock) -> None:
    figures = offer(mock, STREAM, "--stream", "--connections", "2", "--requests", "20")
    assert (figures["answered"], figures["failed"]) == (20, 0)
    assert figures["chunks"] == 20 * 8  # five of text; finish, usage and the end together
    assert figures["first_chunk_ms"]["p50"] >= 10
    assert figures["gap_ms"]["p50"] >= 4
    assert figures["latency_ms"]["p50"] >= 30


def test_a_stream_that_does_not_end_as_such_has_failed(mock: Mock) -> None:
    figures = offer(mock, COMPLETE, "--stream", "--requests", "5")
    assert figures["failures"] == {"a stream that did not end with [DONE]": 5}


@pytest.mark.parametrize("mock", [["--error-rate", "1", "--error-status", "503"]], indirect=True, ids=["failing"])
def test_errors_are_counted_by_status(mock: Mock) -> None:
    figures = offer(mock, COMPLETE, "--requests", "7")
    assert (figures["answered"], figures["failed"], figures["failures"]) == (0, 7, {"status 503": 7})


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://example.com/", "https://127.0.0.1/"])
def test_only_this_machine_may_be_loaded(url: str) -> None:
    with pytest.raises(LoadFailed, match=r"expected|loopback"):
        load(url, b"", [])


def test_usage_errors_have_their_own_exit_code() -> None:
    run = subprocess.run([binary(), "mock", "--latency-ms", "soon"], capture_output=True, text=True)
    expected = "t0-loadgen: `--latency-ms` is `soon`: expected a number from 0 to 60000\n"
    assert (run.returncode, run.stderr) == (2, expected)
