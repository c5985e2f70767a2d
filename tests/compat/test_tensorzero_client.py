"""The official `tensorzero` client (its last release) over HTTP against the gateway."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from tensorzero import (
    AsyncTensorZeroGateway,
    ChatInferenceResponse,
    TensorZeroError,
    TensorZeroGateway,
    Text,
    Usage,
)
from tensorzero.types import FinishReason, JsonInferenceOutput

from processes import Gateway, MockProvider, completion, completion_events, wait_for_rows

INPUT: Any = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TensorZeroGateway]:
    with TensorZeroGateway.build_http(gateway_url=gateway.url) as made:
        yield made


def whole(answer: ChatInferenceResponse, text: str) -> ChatInferenceResponse:
    """What the answer has to be, with its own ids."""
    return ChatInferenceResponse(
        inference_id=answer.inference_id,
        episode_id=answer.episode_id,
        variant_name="v",
        content=[Text(text=text)],
        usage=Usage(input_tokens=11, output_tokens=7),
        finish_reason=FinishReason.STOP,
    )


def test_inference(client: TensorZeroGateway, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")})
    answer = client.inference(function_name="f", input=INPUT, tags={"user": "ada"})
    assert isinstance(answer, ChatInferenceResponse)
    assert answer == whole(answer, "Hi")


def test_json_function(client: TensorZeroGateway, provider: MockProvider) -> None:
    provider.play({"json": completion('{"n": 3}')})
    answer = client.inference(function_name="extract", input=INPUT)
    assert answer.output == JsonInferenceOutput(raw='{"n": 3}', parsed={"n": 3})


def test_streamed_inference(client: TensorZeroGateway, provider: MockProvider) -> None:
    provider.play({"sse": completion_events("Hel", "lo")})
    chunks = list(client.inference(function_name="f", input=INPUT, stream=True))
    assert [[block.text for block in c.content] for c in chunks] == [["Hel"], ["lo"], []]
    assert len({(c.inference_id, c.episode_id, c.variant_name) for c in chunks}) == 1
    assert [c.usage for c in chunks] == [None, None, Usage(input_tokens=11, output_tokens=7)]
    assert chunks[-1].finish_reason == FinishReason.STOP


def test_feedback_is_a_row(client: TensorZeroGateway, gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")})
    answer = client.inference(function_name="f", input=INPUT)
    given = [
        client.feedback(metric_name="useful", value=True, inference_id=answer.inference_id),
        client.feedback(metric_name="turns", value=2.5, episode_id=answer.episode_id, tags={"by": "ada"}),
        client.feedback(metric_name="comment", value="nice", inference_id=answer.inference_id),
        client.feedback(metric_name="demonstration", value="Good day", inference_id=answer.inference_id),
    ]
    useful, turns, comment, demonstration = [str(g.feedback_id) for g in given]
    target = str(answer.inference_id)
    said = '[{"type":"text","text":"Good day"}]'
    expected: dict[str, dict[str, Any]] = {
        "BooleanMetricFeedback": {"id": useful, "target_id": target, "metric_name": "useful", "value": True},
        "FloatMetricFeedback": {"id": turns, "target_id": str(answer.episode_id), "metric_name": "turns", "value": 2.5},
        "CommentFeedback": {"id": comment, "target_id": target, "target_type": "inference", "value": "nice"},
        "DemonstrationFeedback": {"id": demonstration, "inference_id": target, "value": said},
    }
    expected = {table: {**row, "tags": {"by": "ada"} if row["id"] == turns else {}} for table, row in expected.items()}
    for table, row in expected.items():
        sql = f"SELECT * EXCEPT snapshot_hash FROM {table} WHERE id = '{row['id']}'"
        assert wait_for_rows(gateway.store_url, sql) == [row]


ERRORS = {
    "unknown_function": (
        {"function_name": "nope", "input": INPUT},
        404,
        '{"error":"Unknown function: nope"}',
    ),
    "no_target": (
        {"input": INPUT},
        400,
        '{"error":"Invalid inference target: Either `function_name` or `model_name` must be provided"}',
    ),
    "reserved_tag": (
        {"function_name": "f", "input": INPUT, "tags": {"tensorzero::x": "1"}},
        400,
        """{"error":"Tag name cannot start with 'tensorzero::': tensorzero::x"}""",
    ),
}


@pytest.mark.parametrize(("arguments", "status", "text"), ERRORS.values(), ids=ERRORS)
def test_errors(client: TensorZeroGateway, arguments: dict[str, Any], status: int, text: str) -> None:
    with pytest.raises(TensorZeroError) as caught:
        client.inference(**arguments)
    assert (caught.value.status_code, caught.value.text) == (status, text)


def test_feedback_for_a_missing_target(client: TensorZeroGateway) -> None:
    old = UUID("0193b9a0-0000-7000-8000-000000000000")
    with pytest.raises(TensorZeroError) as caught:
        client.feedback(metric_name="useful", value=True, inference_id=old)
    assert (caught.value.status_code, caught.value.text) == (400, f'{{"error":"Inference ID: {old} does not exist"}}')


def test_async_client(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")}, {"sse": completion_events("Hel", "lo")})

    async def run() -> tuple[ChatInferenceResponse, str, UUID]:
        async with await AsyncTensorZeroGateway.build_http(gateway_url=gateway.url) as client:
            answer = await client.inference(function_name="f", input=INPUT)
            stream = await client.inference(function_name="f", input=INPUT, stream=True)
            text = "".join([block.text async for c in stream for block in c.content])
            feedback = await client.feedback(metric_name="useful", value=False, inference_id=answer.inference_id)
            return answer, text, feedback.feedback_id

    answer, text, feedback_id = asyncio.run(run())
    assert (answer, text, feedback_id.version) == (whole(answer, "Hi"), "Hello", 7)
