"""Embedding calls: routing, limits, prices, raw answers, counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from kit import LostConnection, Reply, breaks, fails, hangs, make, run, run_timed
from t0.types.record import CountRecord

CONFIG = """
[embedding_models.e]
routing = ["one", "two"]
timeout_ms = 5000

[embedding_models.e.providers.one]
type = "openai"
model_name = "one"
api_base = "http://one.test/v1/"
api_key_location = "none"
timeout_ms = 2000

[embedding_models.e.providers.two]
type = "openai"
model_name = "two"
api_base = "http://two.test/v1/"
api_key_location = "none"
cost = [{ pointer = "/usage/prompt_tokens", cost_per_unit = 0.5 }]
"""
ROUTE = "/openai/v1/embeddings"
MODEL = "tensorzero::embedding_model_name::e"


def gives(*vectors: Any) -> Reply:
    data = [{"embedding": v} for v in vectors]
    return Reply(body=json.dumps({"data": data, "usage": {"prompt_tokens": 3}}).encode())


def asked(folder: Path, *replies: Reply, **fields: Any) -> tuple[int, Any, list[str], list[CountRecord | None]]:
    """Status and body, the hosts that were asked, and what was counted."""

    async def call() -> tuple[int, Any, list[str], list[CountRecord | None]]:
        kit = make(folder, CONFIG, *replies)
        answer = await kit.call(ROUTE, {"model": MODEL, "input": ["a", "b"], **fields})
        hosts = [r.url.host.removesuffix(".test") for r in kit.transport.requests]
        return answer.status, answer.json(), hosts, [r.count for r in kit.records]

    return run(call())


def count(input_tokens: int = 0) -> CountRecord:
    return CountRecord(endpoint="embeddings", model_name="e", inferences=2, input_tokens=input_tokens)


def test_the_first_provider_answers(tmp_path: Path) -> None:
    status, body, hosts, counts = asked(tmp_path, gives([0.5], [1]))
    assert (status, hosts, counts) == (200, ["one"], [count(3)])
    assert body == {
        "object": "list",
        "data": [
            {"object": "embedding", "embedding": [0.5], "index": 0},
            {"object": "embedding", "embedding": [1], "index": 1},
        ],
        "model": MODEL,
        "usage": {"prompt_tokens": 3, "total_tokens": 3, "tensorzero_cost": None},
    }


FALLBACKS = {
    "refused": fails(400, "no"),
    "lost": breaks(LostConnection("gone")),
    "unreadable": Reply(body=b"{bad"),
    "too_slow": hangs(),
}


@pytest.mark.parametrize("reply", FALLBACKS.values(), ids=FALLBACKS)
def test_any_failure_makes_way_for_the_next_provider(reply: Reply, tmp_path: Path) -> None:
    status, body, hosts, _ = asked(tmp_path, reply, gives([0.5]))
    assert (status, hosts, body["usage"]["tensorzero_cost"]) == (200, ["one", "two"], 1.5)


def test_all_failed(tmp_path: Path) -> None:
    replies = hangs(), breaks(LostConnection("gone"))
    status, body, hosts, counts = asked(tmp_path, *replies)
    text = (
        "All model providers failed to infer with errors: "
        "one: Model provider one timed out due to configured `non_streaming.total_ms` timeout (2s), "
        "two: Error from openai client: Error sending request: gone"
    )
    assert (status, body, hosts) == (500, {"error": {"message": text}}, ["one", "two"])
    assert counts == [count()]


def test_the_models_limit(tmp_path: Path) -> None:
    async def call() -> Any:
        kit = make(tmp_path, CONFIG, hangs(), hangs())
        answer = await kit.call(ROUTE, {"model": MODEL, "input": "a"})
        return answer.status, answer.json()["error"]["message"]

    (status, text), seconds = run_timed(call())
    assert (status, text) == (408, "Model e timed out due to configured `non_streaming.total_ms` timeout (5s)")
    assert seconds == pytest.approx(5, abs=0.5)


def test_dry_runs_are_not_counted(tmp_path: Path) -> None:
    status, _, _, counts = asked(tmp_path, gives([1]), **{"tensorzero::dryrun": True})
    assert (status, counts) == (200, [])


NOT_COUNTED = {
    "unknown_model": ({"model": "nope"}, 404, "Model not found: nope"),
    "no_input": ({"input": []}, 400, "Input cannot be empty"),
}


@pytest.mark.parametrize(("fields", "status", "text"), NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_what_is_refused_is_not_counted(fields: dict[str, Any], status: int, text: str, tmp_path: Path) -> None:
    assert asked(tmp_path, **fields) == (status, {"error": {"message": text}}, [], [])
