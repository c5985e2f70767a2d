"""What t0 is for: one command starts it, any client asks it, and every answer is a row a moment later."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai import OpenAI
from tensorzero import TensorZeroGateway

from processes import Gateway, MockProvider, completion, completion_events, select, wait_for_rows, wait_until

CONFIG = """
[models.m]
routing = ["p"]

[models.m.providers.p]
type = "openai"
model_name = "served"
api_base = "{mock}/v1/"
api_key_location = "none"

[functions.f]
type = "chat"

[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""

MESSAGES: Any = [{"role": "user", "content": "Hello"}]
TIMINGS = ("processing_time_ms", "response_time_ms", "ttft_ms")


@pytest.fixture
def gateway(start_gateway: Callable[..., Gateway], provider: MockProvider) -> Gateway:
    return start_gateway(CONFIG.replace("{mock}", provider.url))


def rows(gateway: Gateway, table: str, column: str, inference_id: str) -> list[dict[str, Any]]:
    """The rows of an inference without the ids that the gateway made for them; measured times become `<ms>`."""
    sql = f"SELECT * FROM {table} WHERE {column} = '{inference_id}'"
    found = wait_for_rows(gateway.store_url, sql)
    for row in found:
        row.pop("id")
        row.update({k: "<ms>" for k in TIMINGS if isinstance(row.get(k), int)})
    return found


def chat_row(gateway: Gateway, episode_id: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "function_name": "f",
        "variant_name": "v",
        "episode_id": episode_id,
        "input": '{"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}',
        "output": f'[{{"type":"text","text":"{text}"}}]',
        "tool_params": "",
        "inference_params": '{"chat_completion":{}}',
        "processing_time_ms": "<ms>",
        "tags": {},
        "extra_body": "[]",
        "ttft_ms": None,
        "dynamic_tools": [],
        "dynamic_provider_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "snapshot_hash": config_hash(gateway),
        **more,
    }


def model_row(gateway: Gateway, inference_id: str, request: Any, response: str, text: str, **more: Any) -> Any:
    return {
        "inference_id": inference_id,
        "raw_request": as_sent(request),
        "raw_response": response,
        "model_name": "m",
        "model_provider_name": "p",
        "input_tokens": 11,
        "output_tokens": 7,
        "response_time_ms": "<ms>",
        "ttft_ms": None,
        "system": None,
        "input_messages": '[{"role":"user","content":[{"type":"text","text":"Hello"}]}]',
        "output": f'[{{"type":"text","text":"{text}"}}]',
        "cached": False,
        "finish_reason": "stop",
        "cost": None,
        "provider_cache_read_input_tokens": None,
        "provider_cache_write_input_tokens": None,
        "function_name": "f",
        "variant_name": "v",
        "snapshot_hash": config_hash(gateway),
        **more,
    }


def config_hash(gateway: Gateway) -> str:
    return str(gateway.get("/status")["config_hash"])


def sent(provider: MockProvider) -> Any:
    [request] = provider.requests
    return request["body"]


def as_sent(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def test_native_call_is_stored(gateway: Gateway, provider: MockProvider) -> None:
    said = completion("Hi")
    provider.play({"json": said})
    body = {"function_name": "f", "input": {"messages": MESSAGES}, "tags": {"user": "ada"}}
    answer = gateway.post("/inference", body)
    inference_id, episode_id = answer["inference_id"], answer["episode_id"]
    assert answer == {
        "inference_id": inference_id,
        "episode_id": episode_id,
        "variant_name": "v",
        "content": [{"type": "text", "text": "Hi"}],
        "usage": {"input_tokens": 11, "output_tokens": 7, "cost": None},
        "finish_reason": "stop",
    }
    assert rows(gateway, "ChatInference", "id", inference_id) == [
        chat_row(gateway, episode_id, "Hi", tags={"user": "ada"})
    ]
    assert rows(gateway, "ModelInference", "inference_id", inference_id) == [
        model_row(gateway, inference_id, sent(provider), as_sent(said), "Hi")
    ]


def test_openai_sdk_stream_is_stored(gateway: Gateway, provider: MockProvider) -> None:
    events = completion_events("Hel", "lo")
    provider.play({"sse": events})
    with (
        OpenAI(base_url=f"{gateway.url}/openai/v1", api_key="unused", max_retries=0) as client,
        client.chat.completions.create(
            model="tensorzero::function_name::f", messages=MESSAGES, stream=True, temperature=0.5
        ) as stream,
    ):
        chunks = list(stream)
    inference_id, episode_id = chunks[0].id, chunks[0].model_extra["episode_id"]
    params = '{"chat_completion":{"temperature":0.5}}'
    assert rows(gateway, "ChatInference", "id", inference_id) == [
        chat_row(gateway, episode_id, "Hello", inference_params=params, ttft_ms="<ms>")
    ]
    raw = "\n".join(as_sent(e) for e in events[:-1])
    assert rows(gateway, "ModelInference", "inference_id", inference_id) == [
        model_row(gateway, inference_id, sent(provider), raw, "Hello", ttft_ms="<ms>")
    ]


def test_tensorzero_client_call_and_feedback_are_stored(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")})
    with TensorZeroGateway.build_http(gateway_url=gateway.url) as client:
        answer = client.inference(function_name="f", input={"messages": MESSAGES})
        given = client.feedback(metric_name="comment", value="nice", inference_id=answer.inference_id)
    inference_id, episode_id = str(answer.inference_id), str(answer.episode_id)
    assert rows(gateway, "ChatInference", "id", inference_id) == [chat_row(gateway, episode_id, "Hi")]
    assert rows(gateway, "CommentFeedback", "id", str(given.feedback_id)) == [
        {
            "target_id": inference_id,
            "target_type": "inference",
            "value": "nice",
            "tags": {},
            "snapshot_hash": config_hash(gateway),
        }
    ]


def test_answers_of_the_first_moment_can_get_feedback(
    start_gateway: Callable[..., Gateway], provider: MockProvider
) -> None:
    """Rows of inferences that were answered before the embedded store had its tables used to miss the views on them."""
    provider.play({"json": completion("Hi"), "repeat": True})
    gateway = start_gateway(CONFIG.replace("{mock}", provider.url), ready="/status")
    body = {"function_name": "f", "input": {"messages": MESSAGES}}
    answered = [gateway.post("/inference", body)["inference_id"] for _ in range(5)]
    wait_until(gateway.healthy, "store")
    wait_for_rows(gateway.store_url, "SELECT count() AS n FROM ChatInference HAVING n = 5")
    found = select(gateway.store_url(), "SELECT uint_to_uuid(id_uint) AS id FROM InferenceById ORDER BY id_uint")
    assert [row["id"] for row in found] == answered


def test_what_is_not_stored(gateway: Gateway, provider: MockProvider) -> None:
    """A dry run and a failed inference leave no row, and the call after them does."""
    body = {"function_name": "f", "input": {"messages": MESSAGES}}
    provider.play({"json": completion("Hi"), "repeat": True})
    gateway.post("/inference", {**body, "dryrun": True})
    last = gateway.post("/inference", body)
    rows(gateway, "ChatInference", "id", last["inference_id"])
    assert select(gateway.store_url(), "SELECT toString(id) AS id FROM ChatInference") == [{"id": last["inference_id"]}]
