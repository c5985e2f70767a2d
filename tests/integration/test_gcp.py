"""The machine's own login at Google Cloud, from the start of a gateway to the answer of a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processes import Gateway, MockProvider, StartFailed
from unit.providers import service_account

CONFIG = """
[gateway]
observability.enabled = false

[models.m]
routing = ["p"]

[models.m.providers.p]
type = "gcp_vertex_gemini"
model_id = "gemini-x"
location = "us-central1"
project_id = "proj"
credential_location = "sdk"
api_base = "{mock}/v1/"

[functions.f]
type = "chat"

[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 3},
}
TOKEN = {"access_token": "ya29.token", "expires_in": 3600, "token_type": "Bearer"}
MESSAGES: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def env(tmp_path: Path, provider: MockProvider) -> dict[str, str]:
    """A service account as the machine's login, whose token endpoint is the mock."""
    login = service_account.key_file(token_uri=f"{provider.url}/token", project_id="proj")
    (tmp_path / "login.json").write_text(login)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "login.json")}


def test_one_token_serves_all_requests(
    start_gateway: Callable[..., Gateway], provider: MockProvider, env: dict[str, str]
) -> None:
    models = {"when": {"path": "/models/"}, "repeat": True}
    provider.play({"when": {"path": "/token"}, "json": TOKEN, "repeat": True}, {**models, "json": ANSWER})
    gateway = start_gateway(CONFIG.replace("{mock}", provider.url), env=env, args=["--workers", "1"])
    for _ in range(3):
        answer = gateway.post("/inference", {"function_name": "f", "input": {"messages": MESSAGES}})
        assert answer["content"] == [{"type": "text", "text": "Hello"}]
    sent = provider.requests
    # One for the check at start-up, one for the worker.
    assert [r["path"] for r in sent if r["path"] == "/token"] == ["/token"] * 2
    calls = [r for r in sent if r["path"] != "/token"]
    path = "/v1/projects/proj/locations/us-central1/publishers/google/models/gemini-x:generateContent"
    assert [(c["path"], c["headers"]["authorization"]) for c in calls] == [(path, "Bearer ya29.token")] * 3


def test_a_login_that_is_refused_stops_the_start(
    start_gateway: Callable[..., Gateway], provider: MockProvider, env: dict[str, str]
) -> None:
    refusal = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    provider.play({"when": {"path": "/token"}, "status": 400, "json": refusal, "repeat": True})
    with pytest.raises(StartFailed) as caught:
        start_gateway(CONFIG.replace("{mock}", provider.url), env=env)
    message = "models.m.providers.p: Error in acquiring GCP credentials: invalid_grant: Invalid JWT Signature."
    assert message in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)
