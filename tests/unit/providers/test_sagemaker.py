"""SageMaker endpoints: the mapping of the server they host, in SageMaker's frame."""

import json
from typing import Any

import pytest

from t0.errors import ProviderFailure, RequestError
from t0.types.content import File, ModelMessage, Text, TextChunk, Thought, ThoughtChunk, ToolCall
from t0.types.model import Usage
from unit.providers.aws_frames import event, exception
from unit.providers.aws_judge import complaints, judge
from unit.providers.vendors import Vendor, chat_answer, chat_stream, event_stream, tool_config

TABLE = {
    "endpoint_name": "ep-1",
    "model_name": "hosted",
    "region": "us-east-1",
    "access_key_id": "dynamic::i",
    "secret_access_key": "dynamic::s",
}
OPENAI = Vendor("aws_sagemaker", {**TABLE, "hosted_provider": "openai"}, id="openai")
TGI = Vendor("aws_sagemaker", {**TABLE, "hosted_provider": "tgi"}, id="tgi")
CREDENTIALS = {"i": "id", "s": "secret"}
EVENT_STREAM = "application/vnd.amazon.eventstream"

both = pytest.mark.parametrize("vendor", [OPENAI, TGI], ids=str)


def body_of(vendor: Vendor, **fields: Any) -> dict[str, Any]:
    request = vendor.provider().request(vendor.call(**fields), CREDENTIALS)
    params = {"EndpointName": "ep-1", "Body": request.body, "ContentType": "application/json"}
    assert complaints("sagemaker-runtime", "InvokeEndpoint", params) == ""
    body: dict[str, Any] = json.loads(request.body)
    return body


@pytest.mark.parametrize(
    ("vendor", "stream", "body"),
    [
        (OPENAI, False, {"model": "hosted", "stream": False}),
        (OPENAI, True, {"model": "hosted", "stream": True, "stream_options": {"include_usage": True}}),
        (TGI, False, {"model": "tgi", "stream": False}),
        (TGI, True, {"model": "tgi", "stream": True, "stream_options": {"include_usage": True}}),
    ],
    ids=str,
)
def test_bodies_are_those_of_the_hosted_server(vendor: Vendor, stream: bool, body: dict[str, Any]) -> None:
    assert body_of(vendor, stream=stream) == {"messages": [{"role": "user", "content": "Hi"}], **body}


@both
@pytest.mark.parametrize(
    ("stream", "path", "accept"),
    [(False, "invocations", "application/json"), (True, "invocations-response-stream", "*/*")],
)
def test_paths_and_headers(vendor: Vendor, stream: bool, path: str, accept: str) -> None:
    request = vendor.provider().request(vendor.call(stream=stream), CREDENTIALS)
    headers = dict(request.headers)
    assert request.url.target == f"/endpoints/ep-1/{path}"
    assert (headers["content-type"], headers["accept"]) == ("application/json", accept)
    assert "/us-east-1/sagemaker/aws4_request" in headers["authorization"]


def test_rules_of_the_hosted_server_hold() -> None:
    assert body_of(OPENAI, tools=tool_config())["tools"][0]["function"]["name"] == "weather"
    with pytest.raises(RequestError, match="TGI does not support tools in streaming mode"):
        TGI.provider().request(TGI.call(stream=True, tools=tool_config()), CREDENTIALS)


def test_an_answer() -> None:
    body = json.dumps(chat_answer(text="Hello", thought="hm", calls=[("c1", "weather", "{}")])).encode()
    found = OPENAI.provider().response(OPENAI.call(), {}, body)
    assert found.output == [
        Thought("hm", provider_type="aws_sagemaker::openai"),
        Text("Hello"),
        ToolCall("c1", "weather", "{}"),
    ]
    assert (found.usage, found.finish_reason) == (Usage(11, 7), "tool_call")
    params = {"EndpointName": "ep-1", "Body": b"{}"}
    assert judge("sagemaker-runtime", "InvokeEndpoint", params, body).result["Body"].read() == body


@both
def test_thoughts_go_back_to_the_same_hosted_server_only(vendor: Vendor) -> None:
    own = f"aws_sagemaker::{vendor}"
    thoughts = [Thought(t, provider_type=t) for t in (own, "aws_sagemaker", "openai", "tgi", "aws_sagemaker::x")]
    message = ModelMessage("assistant", [*thoughts, Text("a")])
    [sent] = body_of(vendor, messages=[message])["messages"]
    assert sent["reasoning_content"] == own


@both
def test_errors_are_sagemakers(vendor: Vendor) -> None:
    provider = vendor.provider()
    failure = provider.failure(424, {}, b"model error")
    assert failure.text == (
        "Error from aws_sagemaker server: AWS sagemaker returned error status 424 Failed Dependency: model error"
    )
    with pytest.raises(ProviderFailure) as caught:
        provider.response(vendor.call(), {}, b"{bad")
    assert caught.value.text.startswith("Error from aws_sagemaker server: Error parsing JSON response: ")
    assert caught.value.raw_response == "{bad"


# -- streams -----------------------------------------------------------------------------------------------------------


def parts(data: bytes, size: int) -> list[bytes]:
    return [event("PayloadPart", data[i : i + size]) for i in range(0, len(data), size)]


def decoded(*messages: bytes, vendor: Vendor = OPENAI) -> list[Any]:
    decoder = vendor.provider().decoder(vendor.call(stream=True))
    return [item for data in messages for item in decoder.feed(data)] + decoder.end()


@pytest.mark.parametrize("size", [1, 10, 64, 10_000])
def test_payloads_may_cut_the_stream_anywhere(size: int) -> None:
    data = event_stream(chat_stream(text="Hello", thought="hm"))
    chunks = decoded(b"".join(parts(data, size)))
    assert [b for c in chunks for b in c.content] == [
        ThoughtChunk("1", "hm", provider_type="aws_sagemaker::openai"),
        TextChunk("0", "He"),
        TextChunk("0", "llo"),
    ]
    assert [c.finish_reason for c in chunks if c.finish_reason] == ["stop"]
    assert [c.usage for c in chunks if c.usage] == [Usage(11, 7)]


def test_botocore_reads_the_same_payloads() -> None:
    data = event_stream(chat_stream(text="Hello"))
    params = {"EndpointName": "ep-1", "Body": b"{}"}
    body = b"".join(parts(data, 50))
    theirs = judge("sagemaker-runtime", "InvokeEndpointWithResponseStream", params, body, EVENT_STREAM).result
    assert b"".join(e["PayloadPart"]["Bytes"] for e in theirs["Body"]) == data


def test_what_follows_the_end_is_ignored() -> None:
    done = event_stream([*chat_stream(text="a"), {"choices": []}])
    assert decoded(*parts(done, 7), exception("late", {})) == decoded(*parts(done, 10_000))


def test_a_stream_without_its_last_blank_line() -> None:
    [chunk] = decoded(event("PayloadPart", b'data: {"choices": [{"delta": {"content": "a"}}]}'))
    assert chunk.content == [TextChunk("0", "a")]


def test_an_exception_ends_the_stream() -> None:
    [failure] = decoded(exception("ModelStreamError", {"Message": "gone"}))
    assert failure.text == "Error from aws_sagemaker server: AWS sagemaker streaming exception: ModelStreamError"


def test_events_of_other_types_are_ignored() -> None:
    assert decoded(event("SomethingNew", {})) == []


def test_a_bad_event_of_the_hosted_server() -> None:
    [failure] = decoded(event("PayloadPart", b"data: {bad\n\n"))
    assert failure.text.startswith("Error from aws_sagemaker server: Error parsing chunk. Error: ")


def test_files_go_as_the_hosted_server_takes_them() -> None:
    image = File(url="https://x.example/a.png", mime_type="image/png")
    assert OPENAI.provider().forwards_url(image, OPENAI.call())
