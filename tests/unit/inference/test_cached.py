"""A hit of the inference cache along the line of a request: answers, raw lists, records, counts, fallbacks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kit import Kit, Reply, breaks, chat, fails, make, model, renamed, run, says, sse, streams, tells, untimed
from t0.errors import AllVariantsFailed, ConnectionLost
from t0.models.cache import InferenceCache
from unit.models.test_cache import FakeStore

ON = {"cache_options": {"enabled": "on"}}
ZERO = {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}
FUNCTION = chat()
SMALL, TWO_PROVIDERS = model() + FUNCTION, model("m", "p", "q") + FUNCTION
HI = {"role": "user", "content": "Hi"}


def cached(folder: Path, *replies: Reply, toml: str = SMALL, store: FakeStore | None = None) -> Kit:
    """A gateway whose cache starts empty."""
    kit = make(folder, toml, *replies)
    kit.gateway.cache = InferenceCache(store or FakeStore(), now=asyncio.get_running_loop().time)
    return kit


def native(kit: Kit, **body: Any) -> Any:
    return kit.call("/inference", {"function_name": "f", "input": {"messages": [HI]}, **ON, **body})


def test_a_complete_hit(tmp_path: Path) -> None:
    async def ask() -> None:
        kit = cached(tmp_path, says("one"))
        miss = await native(kit, include_raw_response=True, include_raw_usage=True)
        hit = await native(kit, include_raw_response=True, include_raw_usage=True)
        assert len(kit.transport.requests) == 1
        assert len(miss.json()["raw_response"]) == len(miss.json()["raw_usage"]) == 1
        assert renamed(hit.json()) == {
            "inference_id": "<1>",
            "episode_id": "<2>",
            "variant_name": "v",
            "content": [{"type": "text", "text": "one"}],
            "usage": ZERO,
            "raw_usage": [],
            "raw_response": [],
            "finish_reason": "stop",
        }
        first, second = (untimed(r) for r in kit.records)
        assert second["count"] == {k: v for k, v in first["count"].items() if not k.endswith("tokens")}
        (live,), (from_cache,) = (r["row"]["model_inferences"] for r in (first, second))
        assert from_cache == {**live, "cached": True, "cost": "0"}
        assert second["row"]["model_inferences"][0]["input_tokens"] == 11

    run(ask())


def test_a_hit_behind_the_openai_face(tmp_path: Path) -> None:
    body = {"model": "tensorzero::function_name::f", "messages": [HI], "tensorzero::cache_options": {"enabled": "on"}}

    async def ask() -> None:
        kit = cached(tmp_path, says("one"))
        await native(kit)
        answer = (await kit.call("/openai/v1/chat/completions", body)).json()
        assert answer["choices"][0]["message"]["content"] == "one"
        assert answer["usage"] == {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "tensorzero_cost": 0.0,
        }

    run(ask())


def test_a_streamed_hit(tmp_path: Path) -> None:
    raw = {"include_raw_response": True, "include_raw_usage": True, "include_original_response": True}

    async def ask() -> None:
        kit = cached(tmp_path, tells("a", "b"))
        await native(kit, stream=True)
        hit = await native(kit, stream=True, include_aggregated_response=True, **raw)
        assert len(kit.transport.requests) == 1
        ids = {"inference_id": "<1>", "episode_id": "<2>", "variant_name": "v"}
        assert [renamed(e) if isinstance(e, dict) else e for e in hit.events()] == [
            {**ids, "content": [{"type": "text", "id": "0", "text": "a"}]},
            {**ids, "content": [{"type": "text", "id": "0", "text": "b"}]},
            {
                **ids,
                "content": [],
                "usage": ZERO,
                "finish_reason": "stop",
                "aggregated_response": [{"type": "text", "text": "ab"}],
            },
            "[DONE]",
        ]
        (live,), (from_cache,) = (untimed(r)["row"]["model_inferences"] for r in kit.records)
        assert from_cache == {**live, "cached": True, "cost": "0"}
        assert kit.records[1].row.model_inferences[0].response_time_ms == 0  # type: ignore[union-attr]

    run(ask())


def test_streams_and_complete_answers_have_entries_of_their_own(tmp_path: Path) -> None:
    async def ask() -> None:
        kit = cached(tmp_path, says("complete"), tells("streamed"))
        await native(kit)
        await native(kit, stream=True)
        assert (await native(kit)).json()["content"][0]["text"] == "complete"
        assert (await native(kit, stream=True)).events()[0]["content"][0]["text"] == "streamed"

    run(ask())


BROKEN = [
    pytest.param(streams(sse({"choices": [{"index": 0, "delta": {"content": "a"}}]}), sse("{")), id="unreadable_event"),
    pytest.param(
        streams(sse({"choices": [{"index": 0, "delta": {"content": "a"}}]}), ConnectionLost("gone")),
        id="lost_connection",
    ),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_stream_with_an_error_is_not_kept(tmp_path: Path, broken: Reply) -> None:
    broken.parts = list(broken.parts or ())

    async def ask() -> None:
        kit = cached(tmp_path, broken, tells("whole"))
        await native(kit, stream=True)
        assert (await native(kit, stream=True)).events()[0]["content"][0]["text"] == "whole"

    run(ask())


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    async def ask() -> None:
        kit = cached(tmp_path, fails(500, "no"), breaks(ConnectionLost("gone")), says("one"))
        for _ in range(2):
            with pytest.raises(AllVariantsFailed):
                await kit.infer(**ON)
        assert (await kit.infer(**ON)).output[0].text == "one"

    run(ask())


def test_each_provider_has_entries_of_its_own(tmp_path: Path) -> None:
    """The first provider fails again, and its failure is shown; the second one's answer comes from the cache."""

    async def ask() -> None:
        kit = cached(tmp_path, fails(500, "no"), says("second"), fails(500, "no again"), toml=TWO_PROVIDERS)
        await native(kit)
        hit = (await native(kit, include_raw_response=True)).json()
        assert kit.transport.models == ["m-p", "m-q", "m-p"]
        assert (hit["content"][0]["text"], hit["usage"]) == ("second", ZERO)
        assert [e["data"] for e in hit["raw_response"]] == ["no again"]

    run(ask())


def test_a_store_slower_than_the_provider_may_be_ends_in_its_timeout(tmp_path: Path) -> None:
    """Lookups count against the provider's limit; a silent store is soon left alone, and then they take no time."""
    toml = model("m", "p", provider_keys="timeouts = { non_streaming = { total_ms = 100 } }") + FUNCTION
    store = FakeStore()
    store.wait_s = 60.0

    async def ask() -> None:
        kit = cached(tmp_path, says("one"), toml=toml, store=store)
        for _ in range(3):
            with pytest.raises(AllVariantsFailed) as caught:
                await kit.infer(**ON)
            assert "due to configured `non_streaming.total_ms` timeout (100ms)" in caught.value.text
        assert (await kit.infer(**ON)).output[0].text == "one"

    run(ask())


def test_dry_runs_read_and_do_not_write(tmp_path: Path) -> None:
    async def ask() -> None:
        kit = cached(tmp_path, says("one"), says("two"))
        await native(kit, dryrun=True)
        assert (await native(kit)).json()["content"][0]["text"] == "two"
        assert (await native(kit, dryrun=True)).json()["content"][0]["text"] == "two"

    run(ask())
