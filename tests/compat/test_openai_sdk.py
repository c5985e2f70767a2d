"""The official `openai` package against the gateway's OpenAI routes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion

from processes import Gateway, MockProvider, completion, completion_events

MODEL = "tensorzero::function_name::f"
ANSWERED_BY = "tensorzero::function_name::f::variant_name::v"
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "tensorzero_cost": None}
TOOL: Any = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/openai/v1", api_key="unused", max_retries=0) as made:
        yield made


def plain(answer: ChatCompletion) -> dict[str, Any]:
    """All fields that arrived but the ones that differ from call to call."""
    return answer.model_dump(mode="json", exclude_unset=True, exclude={"id", "episode_id", "created"})


def whole(message: dict[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
    return {
        "object": "chat.completion",
        "model": ANSWERED_BY,
        "system_fingerprint": "",
        "service_tier": None,
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}],
        "usage": USAGE,
    }


def test_complete(client: OpenAI, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")})
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5)
    assert plain(answer) == whole({"content": "Hi"})
    assert [r["body"] for r in provider.requests] == [
        {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5, "stream": False}
    ]


def test_tool_call(client: OpenAI, provider: MockProvider) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    provider.play({"json": completion("", choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])})
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=[TOOL])
    assert plain(answer) == whole({"content": None, "tool_calls": [call]}, "tool_calls")


def test_streamed(client: OpenAI, provider: MockProvider) -> None:
    provider.play({"sse": completion_events("Hel", "lo")})
    with client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert [c.choices[0].delta.content for c in chunks] == ["Hel", "lo", None]
    assert [c.choices[0].finish_reason for c in chunks] == [None, None, "stop"]
    assert [c.usage and c.usage.model_dump(exclude_unset=True) for c in chunks] == [None, None, USAGE]
    assert len({(c.id, c.model) for c in chunks}) == 1
    assert chunks[0].model == ANSWERED_BY


def test_async_complete_and_streamed(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"json": completion("Hi")}, {"sse": completion_events("Hel", "lo")})

    async def run() -> tuple[dict[str, Any], str]:
        async with AsyncOpenAI(base_url=f"{gateway.url}/openai/v1", api_key="unused", max_retries=0) as client:
            answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
            stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
            return plain(answer), "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(run()) == (whole({"content": "Hi"}), "Hello")


ERRORS = {
    "unknown_function": (
        {"model": "tensorzero::function_name::nope"},
        openai.NotFoundError,
        "Unknown function: nope",
    ),
    "no_prefix": (
        {"model": "gpt"},
        openai.BadRequestError,
        "Invalid request to OpenAI-compatible endpoint: ",
    ),
    "wrong_type": ({"temperature": "warm"}, openai.BadRequestError, "temperature"),
}


@pytest.mark.parametrize(("change", "kind", "text"), ERRORS.values(), ids=ERRORS)
def test_errors(client: OpenAI, change: dict[str, Any], kind: type[openai.APIStatusError], text: str) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**{"model": MODEL, "messages": MESSAGES, **change})
    assert text in caught.value.message


def test_there_is_no_list_of_models(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.list()
    assert caught.value.body == "Route not found: GET /openai/v1/models"


def test_failed_provider(client: OpenAI, provider: MockProvider) -> None:
    provider.play({"status": 401, "json": {"error": {"message": "wrong key"}}})
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert caught.value.status_code == 502
    assert "wrong key" in caught.value.message


def test_error_inside_a_stream(client: OpenAI, provider: MockProvider) -> None:
    first, *_ = completion_events("Hel")
    provider.play({"sse": [first, {"__raw": "data: {not json\n\n"}, "[DONE]"]})
    texts: list[str | None] = []
    with client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True) as stream:
        texts.append(next(stream).choices[0].delta.content)
        with pytest.raises(openai.APIError):
            next(stream)
    assert texts == ["Hel"]
