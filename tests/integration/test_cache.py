"""The inference cache end to end: what a hit answers, what is stored where, and what a dead store changes."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from mock import MiniValkey
from processes import (
    Gateway,
    LoopThread,
    MockProvider,
    Relay,
    StartFailed,
    completion,
    completion_events,
    free_port,
    wait_for_rows,
    wait_until,
)

CONFIG = """
[gateway]
observability.enabled = {stores}

[models.m]
routing = ["p"]

[models.m.providers.p]
type = "openai"
model_name = "upstream"
api_base = "{mock}/v1/"
api_key_location = "none"
cost = [{{ pointer = "/usage/prompt_tokens", cost_per_million = 1.0 }}]

[tools.weather]
description = "d"
parameters = "weather.json"

[functions.tooled]
type = "chat"
tools = ["weather"]
variants.v = {{ type = "chat_completion", model = "m" }}

[embedding_models.e]
routing = ["p"]
providers.p = {{ type = "openai", model_name = "small", api_base = "{mock}/v1/", api_key_location = "none" }}
"""
FILES = {
    "weather.json": json.dumps({"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]})
}
ONE_WORKER = ["--workers", "1"]


class Valkey(LoopThread):
    """The stand-in of `mock.py` in a thread of its own."""

    def __init__(self) -> None:
        super().__init__("valkey")
        self._server = MiniValkey()
        self.run(self._server.start())
        self.url, self.port = self._server.url, self._server.port

    @property
    def values(self) -> dict[str, Any]:
        return {key.decode(): json.loads(value) for key, (value, _) in self._server.values.items()}

    def close(self) -> None:
        self.run(self._server.close())
        super().close()


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.close()


@pytest.fixture
def start(provider: MockProvider, start_gateway: Callable[..., Gateway]) -> Callable[..., Gateway]:
    def start(*, stores: bool, more: str = "", **options: Any) -> Gateway:
        config = CONFIG.format(mock=provider.url, stores=str(stores).lower()) + more
        return start_gateway(config, files=FILES, args=ONE_WORKER, **options)

    return start


def ask(gateway: Gateway, text: str = "Hi", cache: Any = "on", **more: Any) -> dict[str, Any]:
    body = {
        "model_name": "m",
        "input": {"messages": [{"role": "user", "content": text}]},
        "cache_options": {"enabled": cache} if isinstance(cache, str) else cache,
        **more,
    }
    answer: dict[str, Any] = gateway.post("/inference", body)
    return answer


def stream(gateway: Gateway, text: str = "Hi", **more: Any) -> list[Any]:
    """The events but the last, `[DONE]`, without the ids."""
    body = {
        "model_name": "m",
        "input": {"messages": [{"role": "user", "content": text}]},
        "cache_options": {"enabled": "on"},
        "stream": True,
        **more,
    }
    request = urllib.request.Request(gateway.url + "/inference", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = answer.read().decode().split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    return [{k: v for k, v in e.items() if k not in ("inference_id", "episode_id", "variant_name")} for e in events]


def text_of(answer: dict[str, Any]) -> str:
    text: str = answer["content"][0]["text"]
    return text


LIVE = {"input_tokens": 11, "output_tokens": 7, "cost": 0.000011}
CACHED = {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}


# -- in the database ---------------------------------------------------------------------------------------------------


def test_the_database_keeps_answers_beyond_the_gateway(provider: MockProvider, start: Callable[..., Gateway]) -> None:
    first = start(stores=True)
    wait_for_rows(first.store_url, "SELECT 1 AS up FROM system.tables WHERE name = 'ModelInferenceCache'")
    provider.play({"json": completion("one")}, {"sse": completion_events("a", "b")})
    assert ask(first)["usage"] == LIVE
    live = stream(first)
    rows = wait_for_rows(
        first.store_url,
        "SELECT output, length(raw_request) > 0 AS sent, length(raw_response) > 0 AS came, input_tokens, "
        "output_tokens, finish_reason, is_deleted, length(long_cache_key) AS digits FROM ModelInferenceCache "
        "WHERE (SELECT count() FROM ModelInferenceCache) = 2 ORDER BY raw_response DESC",
    )
    common = {"input_tokens": 11, "output_tokens": 7, "finish_reason": "stop", "is_deleted": False, "digits": "64"}
    assert rows[0] == {"output": '[{"type":"text","text":"one"}]', "sent": 1, "came": 1, **common}
    chunks = json.loads(rows[1].pop("output"))
    assert rows[1] == {"sent": 1, "came": 0, **common}
    assert [c["content"] for c in chunks] == [
        [{"type": "text", "id": "0", "text": "a"}],
        [{"type": "text", "id": "0", "text": "b"}],
        [],
        [],
    ]
    first.stop()

    second = start(stores=True)
    wait_until(lambda: (second.data_dir / "store" / "prepared").exists(), "the store is prepared")
    provider.play()
    hits = wait_until(lambda: [hit] if (hit := asked(second)) else [], "a lookup in time")
    assert (text_of(hits[0]), hits[0]["usage"], hits[0]["finish_reason"]) == ("one", CACHED, "stop")
    assert (hits[0]["raw_usage"], hits[0]["raw_response"]) == ([], [])
    hit = stream(second, include_raw_response=True, include_raw_usage=True)
    assert [e["content"] for e in hit] == [e["content"] for e in live]
    assert hit[-1] == {"content": [], "usage": CACHED, "finish_reason": "stop"}
    assert all("raw_chunk" not in e and "raw_usage" not in e for e in hit)
    stored = wait_for_rows(
        second.store_url,
        "SELECT input_tokens, output_tokens, cost, response_time_ms, ttft_ms, finish_reason, "
        "length(raw_response) > 0 AS came FROM ModelInference "
        "WHERE cached AND (SELECT count() FROM ModelInference WHERE cached) = 2 ORDER BY ttft_ms NULLS FIRST",
    )
    same = {"input_tokens": 11, "output_tokens": 7, "cost": 0, "response_time_ms": 0, "finish_reason": "stop"}
    assert stored == [{**same, "ttft_ms": None, "came": 1}, {**same, "ttft_ms": 0, "came": 1}]
    metrics = urllib.request.urlopen(second.url + "/metrics", timeout=30).read().decode()
    assert 'tensorzero_inferences_total{endpoint="inference"' in metrics
    assert "tensorzero_input_tokens_total 0" in metrics


def asked(gateway: Gateway) -> dict[str, Any] | None:
    """A hit, or None where the first lookup of a cold worker came too late and so found the silent provider."""
    try:
        return ask(gateway, include_raw_response=True, include_raw_usage=True)
    except HTTPError:
        return None


# -- in Valkey ---------------------------------------------------------------------------------------------------------


def test_what_valkey_holds(provider: MockProvider, start: Callable[..., Gateway], valkey: Valkey) -> None:
    gateway = start(stores=False, env={"TENSORZERO_VALKEY_CACHE_URL": valkey.url})
    provider.play({"json": completion("one")})
    before = int(time.time())
    ask(gateway)
    ((key, value),) = wait_until(lambda: list(valkey.values.items()), "an entry")
    assert (key[:17], len(key)) == ("tensorzero_cache:", 17 + 64)
    assert before <= value["written_at"] <= time.time()
    sent = value["data"].pop("raw_request")
    assert json.loads(sent)["messages"] == [{"role": "user", "content": "Hi"}]
    assert value["data"] == {
        "output": '[{"type":"text","text":"one"}]',
        "raw_response": as_sent(provider, completion("one")),
        "input_tokens": 11,
        "output_tokens": 7,
        "finish_reason": "stop",
    }


def as_sent(provider: MockProvider, reply: Any) -> str:
    """The reply as the mock writes it."""
    provider.play({"json": reply})
    return urllib.request.urlopen(urllib.request.Request(provider.url + "/x", b"{}"), timeout=5).read().decode()


def test_entries_outlive_the_gateway_and_age(
    provider: MockProvider, start: Callable[..., Gateway], valkey: Valkey
) -> None:
    env = {"TENSORZERO_VALKEY_URL": valkey.url}
    first = start(stores=False, env=env)
    provider.play({"json": completion("one")}, {"json": embedding(0.5)})
    ask(first)
    assert embed(first)["usage"]["prompt_tokens"] == 4
    assert len(wait_until(lambda: valkey.values if len(valkey.values) == 2 else {}, "both entries")) == 2
    first.stop()

    second = start(stores=False, env=env)
    provider.play({"json": completion("fresh")}, {"json": completion("again")})
    assert text_of(ask(second)) == "one"
    assert embed(second) == {
        "object": "list",
        "data": [{"object": "embedding", "embedding": [0.5], "index": 0}],
        "model": "tensorzero::embedding_model_name::e",
        "usage": {"prompt_tokens": 0, "total_tokens": 0, "tensorzero_cost": 0.0},
    }
    assert text_of(ask(second, cache={"enabled": "on", "max_age_s": 0})) == "fresh"
    assert text_of(ask(second, cache={"enabled": "read_only", "max_age_s": 60})) == "fresh"
    time.sleep(1.1)
    assert text_of(ask(second, cache={"enabled": "read_only", "max_age_s": 1})) == "again"


def embedding(*vector: float) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": list(vector)}]
    return {"object": "list", "data": data, "model": "x", "usage": {"prompt_tokens": 4, "total_tokens": 4}}


def embed(gateway: Gateway) -> dict[str, Any]:
    body = {
        "model": "tensorzero::embedding_model_name::e",
        "input": "text",
        "tensorzero::cache_options": {"enabled": "on"},
    }
    answer: dict[str, Any] = gateway.post("/openai/v1/embeddings", body)
    return answer


def test_invalid_tool_calls_and_broken_streams_are_not_kept(
    provider: MockProvider, start: Callable[..., Gateway], valkey: Valkey
) -> None:
    gateway = start(stores=False, env={"TENSORZERO_VALKEY_URL": valkey.url})
    calls = {
        "unknown": ("climate", '{"place":"x"}'),
        "not by the schema": ("weather", '{"place":1}'),
        "no JSON": ("weather", "{"),
    }
    for name, arguments in calls.values():
        provider.play({"json": tool_call(name, arguments)})
        call_tool(gateway)
    provider.play({"sse": [*completion_events("a")[:1], "{broken", "[DONE]"]})
    stream(gateway, "broken")
    time.sleep(0.3)
    assert valkey.values == {}
    assert gateway.output().count("Skipping cache write due to invalid output") == 3

    provider.play({"json": tool_call("weather", '{"place":"x"}')})
    assert call_tool(gateway)["content"][0]["arguments"] == {"place": "x"}
    wait_until(lambda: valkey.values, "the valid one")
    provider.play()
    assert call_tool(gateway)["content"][0]["arguments"] == {"place": "x"}


def tool_call(name: str, arguments: str) -> dict[str, Any]:
    calls = [{"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}]
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "tool_calls"}
    return completion("", choices=[choice])


def call_tool(gateway: Gateway) -> dict[str, Any]:
    body = {
        "function_name": "tooled",
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "cache_options": {"enabled": "on"},
    }
    answer: dict[str, Any] = gateway.post("/inference", body)
    return answer


def test_requests_go_on_without_the_store(
    provider: MockProvider, start: Callable[..., Gateway], valkey: Valkey
) -> None:
    with Relay(valkey.port) as relay:
        gateway = start(stores=False, env={"TENSORZERO_VALKEY_CACHE_URL": f"redis://127.0.0.1:{relay.port}"})
        assert gateway.get("/health")["valkey_cache"] == "ok"
    for number in range(5):
        provider.play({"json": completion("live")})
        began = time.monotonic()
        assert text_of(ask(gateway, f"text {number}")) == "live"
        assert time.monotonic() - began < 2
    with pytest.raises(HTTPError) as caught:
        gateway.get("/health")
    with caught.value as answer:
        assert (answer.code, json.load(answer)) == (
            503,
            {"gateway": "ok", "clickhouse": "ok", "postgres": "ok", "valkey": "ok", "valkey_cache": "error"},
        )
    # What was written in this worker is still found there.
    provider.play()
    assert text_of(ask(gateway, "text 4")) == "live"


# -- at the start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "env", "text"),
    [
        pytest.param(
            "cache.enabled = true",
            {},
            "gateway.cache.enabled: `cache.enabled` is `true` but the cache backend (`None`) is not available.",
            id="required",
        ),
        pytest.param(
            'cache.backend = "valkey"',
            {},
            "gateway.cache.backend: `cache.backend` is set to `valkey` but Valkey is not available.",
            id="valkey_without_url",
        ),
        pytest.param(
            'cache.backend = "clickhouse"',
            {},
            "gateway.cache.backend: `cache.backend` is set to `clickhouse` but ClickHouse is not available.",
            id="clickhouse_without_observability",
        ),
        pytest.param(
            "",
            {"TENSORZERO_VALKEY_CACHE_URL": "redis://:secret@127.0.0.1:{port}"},
            "TENSORZERO_VALKEY_CACHE_URL: Error connecting to Valkey: ConnectionError",
            id="unreachable",
        ),
        pytest.param(
            "",
            {"T0_VALKEY_URL": "http://:secret@127.0.0.1"},
            "Invalid Valkey URL: it must look like `redis://user:password@host:6379/0`",
            id="no_valkey_url",
        ),
    ],
)
def test_refused_at_the_start(tmp_path: Path, more: str, env: dict[str, str], text: str) -> None:
    env = {name: url.replace("{port}", str(free_port())) for name, url in env.items()}
    with pytest.raises(StartFailed) as caught:
        Gateway(tmp_path, f"[gateway]\nobservability.enabled = false\n{more}", env=env)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_cache_that_is_off_needs_nothing(provider: MockProvider, start: Callable[..., Gateway]) -> None:
    gateway = start(
        stores=False,
        more="[gateway.cache]\nenabled = false\nbackend = 'valkey'",
        env={"TENSORZERO_VALKEY_URL": "redis://127.0.0.1:1"},
    )
    provider.play({"json": completion("one")}, {"json": completion("two")})
    assert [text_of(ask(gateway)), text_of(ask(gateway))] == ["one", "two"]
