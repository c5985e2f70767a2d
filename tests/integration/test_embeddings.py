"""Embeddings end to end: the official client, fallbacks, prices, raw answers, and what is counted."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import openai
import pytest

from processes import Gateway, MockProvider, wait_until

CONFIG = """
[gateway]
observability.enabled = false

[embedding_models.e]
routing = ["first", "second"]

[embedding_models.e.providers.first]
type = "openai"
model_name = "small"
api_base = "{mock}/first/"
api_key_location = "none"

[embedding_models.e.providers.second]
type = "openai"
model_name = "large"
api_base = "{mock}/second/"
api_key_location = "none"
cost = [{ pointer = "/usage/prompt_tokens", cost_per_million = 10.0 }]

[embedding_models.zeros]
routing = ["p"]
providers.p = { type = "dummy", model_name = "zeros" }

[embedding_models.documents]
routing = ["p"]
providers.p = { type = "dummy", model_name = "zeros" }
"""
ROUTE = "/openai/v1/embeddings"
MODEL = "tensorzero::embedding_model_name::e"


@pytest.fixture(scope="module")
def gateway(provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = CONFIG.replace("{mock}", provider.url)
    with Gateway(tmp_path_factory.mktemp("gateway"), config, args=["--workers", "1"]) as running:
        yield running


def vectors(*values: Any, tokens: int = 4) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(values)]
    return {"object": "list", "data": data, "model": "x", "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def compact(body: Any) -> str:
    """As the mock sends it."""
    return json.dumps(body, separators=(",", ":"))


def client(gateway: Gateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key="unused", max_retries=0)


def counted(gateway: Gateway, metric: str) -> dict[str, float]:
    """The samples of embeddings, by model name."""
    with urlopen(gateway.url + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(rf'^{metric}{{endpoint="embeddings",model_name="(.+?)"}} (\S+)$', text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_the_openai_client(gateway: Gateway, provider: MockProvider) -> None:
    """It asks for base64 by itself, and decodes it."""
    provider.play({"json": vectors("AACAPwAAAMA=", "AAAAAA==")})
    with client(gateway) as made:
        answer = made.embeddings.create(model=MODEL, input=["a", "b"], dimensions=2)
    assert [d.embedding for d in answer.data] == [[1.0, -2.0], [0.0]]
    assert [d.index for d in answer.data] == [0, 1]
    assert (answer.model, answer.object) == (MODEL, "list")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (4, 4)
    assert [(r["path"], r["body"]) for r in provider.requests] == [
        ("/first/embeddings", {"model": "small", "input": ["a", "b"], "dimensions": 2, "encoding_format": "base64"})
    ]


def test_the_openai_client_asking_for_floats(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"json": vectors([0.5, -1e-9])})
    with client(gateway) as made:
        answer = made.embeddings.create(model=MODEL, input="a", encoding_format="float")
    assert [d.embedding for d in answer.data] == [[0.5, -1e-9]]


def test_the_openai_client_and_an_unknown_model(gateway: Gateway) -> None:
    with client(gateway) as made, pytest.raises(openai.NotFoundError) as caught:
        made.embeddings.create(model="tensorzero::embedding_model_name::nope", input="a")
    assert caught.value.body == {"message": "Model not found: nope"}


def test_fallback_with_price_and_raw_answers(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"status": 500, "text": "busy"}, {"json": vectors([0.5])})
    answer = gateway.post(ROUTE, {"model": MODEL, "input": "a", "tensorzero::include_raw_response": True})
    assert [r["path"] for r in provider.requests] == ["/first/embeddings", "/second/embeddings"]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4, "tensorzero_cost": 0.00004}
    failed, own = answer["tensorzero::raw_response"]
    assert failed == {"provider_type": "openai", "api_type": "embeddings", "data": "busy"}
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", own.pop("model_inference_id"))
    assert own == {"provider_type": "openai", "api_type": "embeddings", "data": compact(vectors([0.5]))}


def test_all_providers_fail(gateway: Gateway, provider: MockProvider) -> None:
    provider.play({"status": 401, "text": "no"}, {"status": 503, "text": "busy"})
    with pytest.raises(HTTPError) as caught:
        gateway.post(ROUTE, {"model": MODEL, "input": "a", "tensorzero::include_raw_response": True})
    text = (
        "All model providers failed to infer with errors: first: Error 401 Unauthorized from openai client: no, "
        "second: Error from openai server: busy"
    )
    assert (caught.value.status, json.load(caught.value)) == (
        500,
        {
            "error": {"message": text},
            "tensorzero_raw_response": [
                {"provider_type": "openai", "api_type": "embeddings", "data": body} for body in ("no", "busy")
            ],
        },
    )


@pytest.mark.parametrize("model", ["zeros", "dummy::anything"])
def test_dummy(gateway: Gateway, model: str) -> None:
    answer = gateway.post(ROUTE, {"model": f"tensorzero::embedding_model_name::{model}", "input": ["a", "b"]})
    assert [d["embedding"] for d in answer["data"]] == [[0.0] * 1536] * 2


def test_the_documented_program(gateway: Gateway, root: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", (root / "docs" / "embeddings.md").read_text(), re.M | re.DOTALL)
    words = [sys.executable, "-c", program.replace("http://127.0.0.1:3000", gateway.url)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


def test_a_shorthand_model_without_its_key(gateway: Gateway) -> None:
    with pytest.raises(HTTPError) as caught:
        gateway.post(ROUTE, {"model": "openai::text-embedding-3-small", "input": "a"})
    text = "API key missing for provider OpenAI: Environment variable `OPENAI_API_KEY` is missing"
    assert (caught.value.status, json.load(caught.value)) == (400, {"error": {"message": text}})


def test_what_is_counted(gateway: Gateway, provider: MockProvider) -> None:
    model = "tensorzero::embedding_model_name::dummy::counted"
    for fields in ({"input": ["a", "b"]}, {"input": "a"}, {"input": "a", "tensorzero::dryrun": True}):
        gateway.post(ROUTE, {"model": model, **fields})
    wait_until(lambda: counted(gateway, "tensorzero_inferences_total").get("dummy::counted") == 3.0, "three inputs")
    assert counted(gateway, "tensorzero_requests_total")["dummy::counted"] == 2.0
