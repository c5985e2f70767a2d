"""The batch side of the providers: the exchanges, one by one, and the files that go up and come down."""

import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import msgspec
import pytest
from google.auth import jwt

from t0.config.credentials import CredentialStore
from t0.config.schema.models import GcpBatch
from t0.errors import ProviderFailure, RequestError, UnsupportedProviderForBatch
from t0.providers.batch import BatchProvider, Steps
from t0.providers.gcp_vertex_gemini import GCPVertexGeminiConfig
from t0.providers.registry import facet_classes, provider_class
from t0.types.batch import BatchOutput, BatchState, StartedBatch
from t0.types.content import File, ModelMessage, Text, ToolCall
from t0.types.model import ModelRequest, ModelResponse, Usage
from t0.types.params import ChatCompletionParams
from t0.upstream.base import HttpRequest, HttpResponse
from unit.providers.service_account import environment, public_pem


def make(provider_type: str = "openai", **keys: Any) -> BatchProvider:
    table = {"type": provider_type, "model_name": "m", **keys}
    config = msgspec.convert(table, provider_class(provider_type).Config)
    return facet_classes(BatchProvider)[provider_type]("p", config, CredentialStore({"OPENAI_API_KEY": "sk-openai"}))


def play(steps: Steps[Any], *answers: Any) -> tuple[list[HttpRequest], Any]:
    """The requests of the steps, answered in turn, and their result."""
    requests = []
    try:
        request = next(steps)
        for answer in answers:
            requests.append(request)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            request = steps.send(HttpResponse(200, {}, body))
    except StopIteration as e:
        return requests, e.value
    raise AssertionError("the steps want to send more")


def call(*blocks: Any) -> ModelRequest:
    return ModelRequest(
        model_name="m",
        messages=[ModelMessage("user", list(blocks) or [Text("Hello")])],
        params=ChatCompletionParams(temperature=0.5),
    )


def shown(request: HttpRequest) -> tuple[str, str, dict[str, str], Any]:
    headers = {name: value for name, value in request.headers if name != "user-agent"}
    return request.method, str(request.url), headers, json.loads(request.body) if request.body else None


def test_what_takes_batches() -> None:
    assert sorted(facet_classes(BatchProvider)) == ["dummy", "gcp_vertex_gemini", "openai"]


# -- rows --------------------------------------------------------------------------------------------------------------


BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": False, "temperature": 0.5}


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"api_type": "responses", "include_encrypted_reasoning": True},
        {"extra_body": [{"pointer": "/user", "value": "u"}]},
    ],
    ids=["plain", "responses", "extra_body"],
)
def test_a_row_is_a_chat_completion_and_nothing_else(keys: dict[str, Any]) -> None:
    row = {"custom_id": "i1", "method": "POST", "url": "/v1/chat/completions", "body": BODY}
    assert json.loads(make(**keys).batch_row("i1", call())) == row


def test_files_are_sent_as_their_usual_kind() -> None:
    provider = make(content_type_overrides={"image/png": "file"})
    row = json.loads(provider.batch_row("i1", call(File(mime_type="image/png", data="AAAA"))))
    assert row["body"]["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    ]


# -- start -------------------------------------------------------------------------------------------------------------


def parts(request: HttpRequest) -> list[Message]:
    content_type = dict(request.headers)["content-type"]
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + request.body)
    return [p for p in message.get_payload() if isinstance(p, Message)]


def test_start_uploads_the_rows_and_makes_the_batch() -> None:
    started = {"id": "batch-1", "status": "validating", "errors": {"data": [{"code": "x"}]}}
    requests, result = play(make(api_base="http://h/v1").start_batch(["{1}", "{2}"], {}), {"id": "file-1"}, started)
    upload, create = requests
    assert (upload.method, str(upload.url)) == ("POST", "http://h/v1/files")
    assert dict(upload.headers)["authorization"] == "Bearer sk-openai"
    purpose, file = parts(upload)
    assert (purpose.get_param("name", header="content-disposition"), purpose.get_payload()) == ("purpose", "batch")
    assert file.get_param("name", header="content-disposition") == "file"
    assert (file.get_filename(), file.get_content_type()) == ("data.jsonl", "application/json")
    assert file.get_payload() == "{1}\n{2}"
    wanted = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    headers = {"content-type": "application/json", "accept": "*/*", "authorization": "Bearer sk-openai"}
    assert shown(create) == ("POST", "http://h/v1/batches", headers, wanted)
    assert result == StartedBatch(
        params={"file_id": "file-1", "batch_id": "batch-1"},
        raw_request=create.body.decode(),
        raw_response=json.dumps(started),
        errors=['{"code": "x"}'],
    )


def test_start_takes_dynamic_credentials_and_polls_have_none() -> None:
    provider = make(api_key_location="dynamic::k")
    upload = next(provider.start_batch(["{}"], {"k": "sk-given"}))
    assert dict(upload.headers)["authorization"] == "Bearer sk-given"
    for steps in (provider.poll_batch({"batch_id": "b"}), provider.fetch_output("o")):
        with pytest.raises(RequestError, match=r"Dynamic api key `k` is missing"):
            next(steps)


@pytest.mark.parametrize("answers", [[b"{bad"], [{"id": "f"}, {"id": "b"}]], ids=["upload", "batch"])
def test_start_with_an_unreadable_answer(answers: list[Any]) -> None:
    with pytest.raises(ProviderFailure, match=r"^Error from openai server: Error parsing JSON response: "):
        play(make().start_batch(["{}"], {}), *answers)


# -- poll --------------------------------------------------------------------------------------------------------------


STATES = {
    "validating": ({"status": "validating"}, "pending"),
    "in_progress": ({"status": "in_progress"}, "pending"),
    "finalizing": ({"status": "finalizing"}, "pending"),
    "completed": ({"status": "completed", "output_file_id": "o", "error_file_id": "e"}, "completed"),
    "completed_with_errors_only": ({"status": "completed", "error_file_id": "e"}, "failed"),
    "failed": ({"status": "failed"}, "failed"),
    "expired": ({"status": "expired", "output_file_id": "o"}, "failed"),
    "cancelling": ({"status": "cancelling"}, "failed"),
    "cancelled": ({"status": "cancelled"}, "failed"),
    "unknown": ({"status": "resting"}, "failed"),
}


@pytest.mark.parametrize(("answer", "status"), STATES.values(), ids=STATES)
def test_poll(answer: dict[str, Any], status: Any) -> None:
    whole = {"id": "batch-1", **answer}
    requests, state = play(make(api_base="http://h/v1/").poll_batch({"batch_id": "batch-1"}), whole)
    headers = {"accept": "*/*", "authorization": "Bearer sk-openai"}
    assert [shown(r) for r in requests] == [("GET", "http://h/v1/batches/batch-1", headers, None)]
    assert state == BatchState(
        status=status,
        raw_request="http://h/v1/batches/batch-1",
        raw_response=json.dumps(whole),
        output=answer.get("output_file_id", ""),
    )


def test_fetch_output() -> None:
    requests, content = play(make(api_base="http://h/v1/").fetch_output("o"), b"{}\n{}")
    assert [str(r.url) for r in requests] == ["http://h/v1/files/o/content"]
    assert content == b"{}\n{}"


# -- results -----------------------------------------------------------------------------------------------------------


def answer_body(message: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}


def line(custom_id: str, body: Any) -> bytes:
    return json.dumps({"custom_id": custom_id, "response": {"status_code": 200, "body": body}}).encode()


def test_results_that_cannot_be_read_are_left_out() -> None:
    tool_call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    first = answer_body({"role": "assistant", "content": "Hi", "reasoning_content": "hm"})
    second = answer_body({"role": "assistant", "content": None, "tool_calls": [tool_call]}, "tool_calls")
    lines = [
        line("a", first),
        b"{bad",
        line("b", {"error": {"message": "no"}}),
        line("c", {"choices": []}),
        b'{"custom_id":"d","response":null,"error":{"code":"x"}}',
        b"",
        b"\xff\xfe",
        line("e", second),
    ]
    usage = Usage(11, 7)
    assert list(make().read_output(b"\n".join(lines), "m")) == [
        BatchOutput(
            inference_id="a",
            response=ModelResponse(output=[Text("Hi")], usage=usage, raw_usage=first["usage"], finish_reason="stop"),
            raw_response=json.dumps(first),
        ),
        BatchOutput(
            inference_id="e",
            response=ModelResponse(
                output=[ToolCall("c", "f", "{}")], usage=usage, raw_usage=second["usage"], finish_reason="tool_call"
            ),
            raw_response=json.dumps(second),
        ),
    ]


def test_dummy_starts_and_cannot_be_polled() -> None:
    provider = make("dummy")
    requests, started = play(provider.start_batch([provider.batch_row("i1", call())], {}))
    assert requests == []
    assert sorted(started.params) == ["batch_id", "file_id"]
    with pytest.raises(UnsupportedProviderForBatch, match=r"^Unsupported model provider for batch inference: dummy$"):
        provider.poll_batch(started.params)


# -- Gemini ------------------------------------------------------------------------------------------------------------


SETTINGS = GcpBatch(storage_type="cloud_storage", input_uri_prefix="gs://in/a b/", output_uri_prefix="gs://out/answers")
JOB = "projects/p/locations/l/batchPredictionJobs/7"


def gemini(settings: GcpBatch | None = SETTINGS, **keys: Any) -> BatchProvider:
    table = {"type": "gcp_vertex_gemini", "model_id": "gemini-x", "location": "l", "project_id": "p", **keys}
    config = msgspec.convert({k: v for k, v in table.items() if v is not None}, GCPVertexGeminiConfig)
    return facet_classes(BatchProvider)["gcp_vertex_gemini"]("p", config, CredentialStore(environment()), settings)


def audience(request: HttpRequest) -> str:
    """For whom the request's token is."""
    token = dict(request.headers)["authorization"].removeprefix("Bearer ")
    claims: dict[str, str] = jwt.decode(token, public_pem())
    return claims["aud"]


def test_gemini_row_carries_its_id_as_a_label() -> None:
    row = json.loads(gemini().batch_row("i1", call()))
    assert row == {
        "request": {
            "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
            "generationConfig": {"temperature": 0.5},
            "labels": {"tensorzero::inference_id": "i1"},
        }
    }


def test_gemini_start_uploads_the_rows_and_makes_the_job() -> None:
    requests, result = play(gemini().start_batch(["{1}", "{2}"], {}), b"", {"name": JOB, "state": "JOB_STATE_PENDING"})
    upload, create = requests
    job = json.loads(create.body)
    id_ = job["displayName"].removeprefix("tensorzero-batch-")
    assert job == {
        "displayName": f"tensorzero-batch-{id_}",
        "model": "publishers/google/models/gemini-x",
        "inputConfig": {
            "instancesFormat": "jsonl",
            "gcs_source": {"uris": f"gs://in/a b/tensorzero-batch-input-{id_}.jsonl"},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcs_destination": {"outputUriPrefix": f"gs://out/answers/tensorzero-batch-output-{id_}"},
        },
    }
    bucket = "https://storage.googleapis.com/in/a%20b"
    assert (upload.method, str(upload.url)) == ("PUT", f"{bucket}/tensorzero-batch-input-{id_}.jsonl")
    assert upload.body == b"{1}\n{2}"
    address = "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/batchPredictionJobs"
    assert (create.method, str(create.url)) == ("POST", address)
    assert [audience(r) for r in requests] == [
        "https://storage.googleapis.com/",
        "https://l-aiplatform.googleapis.com/",
    ]
    assert (result.params, result.raw_request) == ({"job_url_suffix": JOB}, create.body.decode())


MISSING = "Missing config section: `[provider_types.gcp_vertex_gemini.batch]`"
UNUSABLE = {
    "no_settings": (gemini(None), MISSING),
    "no_storage": (gemini(GcpBatch(storage_type="none")), MISSING),
    "endpoint": (
        gemini(model_id=None, endpoint_id="e"),
        "Model ID is required for batch inference (not endpoint ID)",
    ),
}


@pytest.mark.parametrize(("provider", "text"), UNUSABLE.values(), ids=UNUSABLE)
def test_gemini_cannot_start(provider: BatchProvider, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        next(provider.start_batch(["{}"], {}))
    assert caught.value.text == text


JOB_STATES = {
    **dict.fromkeys(("PENDING", "RUNNING", "QUEUED", "PAUSED", "UPDATING", "UNSPECIFIED"), "pending"),
    **dict.fromkeys(("SUCCEEDED", "PARTIALLY_SUCCEEDED"), "completed"),
    **dict.fromkeys(("FAILED", "CANCELLING", "CANCELLED", "EXPIRED", "RESTING"), "failed"),
}


@pytest.mark.parametrize(("state", "status"), JOB_STATES.items())
def test_gemini_poll(state: str, status: Any) -> None:
    answer = {"name": JOB, "state": f"JOB_STATE_{state}", "outputInfo": {"gcsOutputDirectory": "gs://out/x y/1"}}
    requests, found = play(gemini().poll_batch({"job_url_suffix": JOB}), answer)
    url = f"https://l-aiplatform.googleapis.com/v1/{JOB}"
    assert [(r.method, str(r.url)) for r in requests] == [("GET", url)]
    assert found == BatchState(
        status=status, raw_request=url, raw_response=json.dumps(answer), output="gs://out/x y/1/predictions.jsonl"
    )


def test_gemini_poll_of_a_failed_job_keeps_the_reason() -> None:
    _, found = play(
        gemini().poll_batch({"job_url_suffix": JOB}),
        {"name": JOB, "state": "JOB_STATE_SUCCEEDED", "error": {"code": 3}},
    )
    assert (found.status, found.errors) == ("failed", ['{"code":3}'])


def test_gemini_fetch_output() -> None:
    requests, content = play(gemini().fetch_output("gs://out/x y/predictions.jsonl"), b"{}")
    assert [str(r.url) for r in requests] == ["https://storage.googleapis.com/out/x%20y/predictions.jsonl"]
    assert audience(requests[0]) == "https://storage.googleapis.com/"
    assert content == b"{}"


def test_gemini_results() -> None:
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7},
    }

    def row(response: Any, **labels: str) -> bytes:
        return json.dumps({"status": "", "request": {"contents": [], "labels": labels}, "response": response}).encode()

    label = {"tensorzero::inference_id": "a"}
    lines = [b"{bad", row({"error": 1}, **label), row(answer), row(answer, **label), b'{"status":"x","request":{}}']
    assert list(gemini().read_output(b"\n".join(lines), "m")) == [
        BatchOutput(
            inference_id="a",
            response=ModelResponse(
                output=[Text("Hi")], usage=Usage(11, 7), raw_usage=answer["usageMetadata"], finish_reason="stop"
            ),
            raw_response=json.dumps(answer),
        )
    ]
