"""The embedding side of the providers: what each sends, and what it reads."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from t0.config.credentials import CredentialStore
from t0.config.schema.models import EMBEDDING_PROVIDER_TYPES
from t0.errors import ProviderFailure, RequestError
from t0.providers.embeddings import EmbeddingProvider
from t0.providers.registry import facet_classes, provider_class
from t0.types.embedding import EmbeddingRequest
from t0.types.model import Usage
from t0.upstream.base import HttpRequest, HttpResponse


def make(provider_type: str, **keys: Any) -> EmbeddingProvider:
    required = {"azure": {"deployment_id": "d", "endpoint": "https://r.example"}}.get(
        provider_type, {"model_name": "m"}
    )
    config = msgspec.convert({"type": provider_type, **required, **keys}, provider_class(provider_type).Config)
    names = ("OPENAI", "AZURE", "OPENROUTER")
    store = CredentialStore({f"{name}_API_KEY": f"sk-{name.lower()}" for name in names})
    return facet_classes(EmbeddingProvider)[provider_type]("p", config, store)


def sent(request: HttpRequest) -> tuple[str, str, dict[str, str], Any]:
    headers = {name: value for name, value in request.headers if name != "user-agent"}
    return request.method, str(request.url), headers, json.loads(request.body)


def test_the_types_are_those_that_the_configuration_accepts() -> None:
    assert sorted(facet_classes(EmbeddingProvider)) == sorted(EMBEDDING_PROVIDER_TYPES)


COMMON = {"content-type": "application/json", "accept": "*/*"}
REQUESTS = {
    "openai": (
        make("openai"),
        "https://api.openai.com/v1/embeddings",
        {**COMMON, "authorization": "Bearer sk-openai"},
        {"model": "m", "input": "a", "dimensions": 3, "encoding_format": "base64"},
    ),
    "openai_configured_for_responses": (
        make("openai", api_type="responses", api_base="http://h/x"),
        "http://h/x/embeddings",
        {**COMMON, "authorization": "Bearer sk-openai"},
        {"model": "m", "input": "a", "dimensions": 3, "encoding_format": "base64"},
    ),
    "azure": (
        make("azure"),
        "https://r.example/openai/deployments/d/embeddings?api-version=2025-04-01-preview",
        {**COMMON, "api-key": "sk-azure"},
        {"input": "a", "dimensions": 3, "encoding_format": "base64"},
    ),
    "openrouter": (
        make("openrouter"),
        "https://openrouter.ai/api/v1/embeddings",
        {**COMMON, "authorization": "Bearer sk-openrouter", "x-title": "t0"},
        {"model": "m", "input": "a", "dimensions": 3, "encoding_format": "base64"},
    ),
    "extra": (
        make(
            "openai",
            extra_body=[{"pointer": "/user", "value": "u"}, {"pointer": "/dimensions", "delete": True}],
            extra_headers=[{"name": "X-Team", "value": "t"}],
        ),
        "https://api.openai.com/v1/embeddings",
        {**COMMON, "authorization": "Bearer sk-openai", "x-team": "t"},
        {"model": "m", "input": "a", "encoding_format": "base64", "user": "u"},
    ),
}


@pytest.mark.parametrize(("provider", "url", "headers", "body"), REQUESTS.values(), ids=REQUESTS)
def test_request(provider: EmbeddingProvider, url: str, headers: dict[str, str], body: Any) -> None:
    call = EmbeddingRequest(input="a", dimensions=3, encoding_format="base64")
    assert sent(provider.embedding_request(call, {})) == ("POST", url, headers, body)


INPUTS = {
    "text": ("a", 1),
    "texts": (["a", "b"], 2),
    "one_text_in_a_list": (["a"], 1),
    "tokens": ([1, 2, 3], 1),
    "lists_of_tokens": ([[1, 2], [3]], 2),
}


@pytest.mark.parametrize(("value", "count"), INPUTS.values(), ids=INPUTS)
def test_inputs_go_out_as_they_are(value: Any, count: int) -> None:
    call = EmbeddingRequest(input=value)
    assert call.count == count
    body = json.loads(make("openai").embedding_request(call, {}).body)
    assert body == {"model": "m", "input": value, "encoding_format": "float"}


def test_dynamic_credentials_and_endpoint() -> None:
    provider = make("azure", api_key_location="dynamic::k", endpoint="dynamic::e")
    request = provider.embedding_request(EmbeddingRequest(input="a"), {"k": "one", "e": "http://h"})
    assert dict(request.headers)["api-key"] == "one"
    assert str(request.url) == "http://h/openai/deployments/d/embeddings?api-version=2025-04-01-preview"
    with pytest.raises(RequestError, match=r"Dynamic api key `k` is missing"):
        provider.embedding_request(EmbeddingRequest(input="a"), {"e": "http://h"})


def test_answer_keeps_the_form_and_the_order() -> None:
    body = b'{"data":[{"index":1,"embedding":[0.1, -1e-9]},{"index":0,"embedding":"AAA="}],"usage":{"prompt_tokens":4}}'
    answer = make("openai").embedding_response({}, body)
    assert [bytes(e) for e in answer.embeddings] == [b"[0.1, -1e-9]", b'"AAA="']
    assert (answer.usage, answer.raw_usage) == (Usage(4, 0), {"prompt_tokens": 4})


def test_answer_without_usage() -> None:
    assert make("openai").embedding_response({}, b'{"data":[]}').usage == Usage()


BAD = {
    "not_json": b"{bad",
    "no_data": b"{}",
    "no_embedding": b'{"data":[{}]}',
    "null_embedding": b'{"data":[{"embedding":null}]}',
    "usage_of_another_kind": b'{"data":[],"usage":{"prompt_tokens":"4"}}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_bad_answers(body: bytes) -> None:
    with pytest.raises(ProviderFailure, match=r"^Error from openai server: Error parsing JSON response: ") as caught:
        make("openai").embedding_response({}, body)
    assert (caught.value.raw_response, caught.value.api_type) == (body.decode(), "embeddings")


def test_failures_are_classed_as_those_of_chat() -> None:
    failure = make("openai").failure(429, {"x-request-id": "r"}, b"slow down")
    assert failure.text == "Error 429 Too Many Requests from openai client: slow down [request_id: r]"
    assert failure.api_type == "embeddings"


# -- dummy -------------------------------------------------------------------------------------------------------------


def send(provider: EmbeddingProvider, request: HttpRequest) -> HttpResponse:
    assert provider.transport is not None
    return asyncio.run(provider.transport.send(request))


def test_dummy_gives_zeros_for_every_input() -> None:
    provider = make("dummy")
    answer = send(provider, provider.embedding_request(EmbeddingRequest(input=["a", "b"]), {}))
    assert answer.body == b'{"usage": {"prompt_tokens": 10, "total_tokens": 10}}'
    response = provider.embedding_response(answer.headers, answer.body)
    assert [json.loads(bytes(e)) for e in response.embeddings] == [[0.0] * 1536] * 2
    assert response.usage == Usage(10, 0)


DUMMY_FAILURES = {
    "error_with_raw_response": (
        {"model_name": "error_with_raw_response"},
        "Error 500 Internal Server Error from dummy client: Error from Dummy embedding provider with raw response",
        "dummy error raw response",
    ),
    "error": (
        {"model_name": "error_x"},
        "Error from dummy client: Error sending request to Dummy provider for model 'error_x'.",
        None,
    ),
    "key": (
        {"model_name": "test_key", "api_key_location": "dynamic::k"},
        "Error from dummy client: Invalid API key for Dummy provider",
        None,
    ),
}


@pytest.mark.parametrize(("keys", "text", "raw"), DUMMY_FAILURES.values(), ids=DUMMY_FAILURES)
def test_dummy_failures(keys: dict[str, str], text: str, raw: str | None) -> None:
    provider = make("dummy", **keys)
    answer = send(provider, provider.embedding_request(EmbeddingRequest(input="a"), {"k": "bad_key"}))
    failure = provider.failure(answer.status, answer.headers, answer.body)
    assert (failure.text, failure.raw_response, failure.api_type) == (text, raw, "embeddings")
