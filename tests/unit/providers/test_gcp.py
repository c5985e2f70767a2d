"""Google Cloud: tokens from every kind of credential, shorthand names, and Anthropic's models on Vertex AI.

google-auth judges signatures, and plays its own part in the default credentials; what it asks for is answered here.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from google.auth import jwt

from t0.config.credentials import CredentialStore
from t0.errors import ApiKeyMissing, ConfigError, ConnectFailed, RequestError
from t0.providers.base import Provider
from t0.providers.gcp.credentials import ServiceAccount, default_credential
from t0.providers.gcp.errors import GCPCredentialsError
from t0.providers.gcp.sdk import DefaultCredentials
from t0.providers.gcp.tokens import PAUSE_S, RENEWED_S, SharedToken, Token
from t0.providers.shorthand import is_shorthand, shorthand_config
from t0.types.content import ModelMessage, Text
from t0.types.params import ChatCompletionParams
from t0.types.tools import ProviderTool
from t0.upstream.base import HttpRequest, HttpResponse
from unit.providers import service_account
from unit.providers.replay import make_provider
from unit.providers.vendors import VENDORS, VERTEX, tool_config

BY_NAME = {str(v): v for v in VENDORS}
GEMINI, ANTHROPIC = BY_NAME["gcp_vertex_gemini"], BY_NAME["gcp_vertex_anthropic"]
OWNER = "GCPVertexGemini"
AUDIENCE = "https://us-east5-aiplatform.googleapis.com/"


class Network:
    """A transport that answers by itself: `answers` maps the beginning of a URL to a status and a JSON value."""

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        self.answers = answers
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        await asyncio.sleep(0)
        for url, (status, value) in self.answers.items():
            if str(request.url).startswith(url):
                headers = {"content-type": "application/json", "metadata-flavor": "Google"}
                return HttpResponse(status, headers, json.dumps(value).encode())
        raise ConnectFailed(f"Could not connect to {request.url.base}: refused")

    async def stream(self, request: HttpRequest) -> Any:
        raise NotImplementedError


def provider_with(location: Any, **more: Any) -> Provider:
    return GEMINI.provider(credential_location=location, **more)


def headers_of(provider: Provider, credentials: dict[str, str] | None = None) -> dict[str, str]:
    return dict(provider.request(GEMINI.call(), credentials or {}).headers)


# -- service accounts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "audience"),
    [
        ({}, AUDIENCE),
        ({"location": "global"}, "https://aiplatform.googleapis.com/"),
        ({"api_base": "https://psc.example.com/v1/"}, AUDIENCE),
    ],
    ids=["regional", "global", "elsewhere"],
)
def test_a_service_account_signs_its_own_token(table: dict[str, Any], audience: str) -> None:
    before = int(time.time())
    token = headers_of(GEMINI.provider(**table))["authorization"].removeprefix("Bearer ")
    assert jwt.decode_header(token) == {"typ": "JWT", "alg": "RS256", "kid": service_account.KEY_ID}
    claims = jwt.decode(token, certs=service_account.public_pem(), audience=audience)
    issued_at = claims["iat"]
    assert before <= issued_at <= time.time()
    email = service_account.EMAIL
    assert claims == {"iss": email, "sub": email, "aud": audience, "iat": issued_at, "exp": issued_at + 3600}


def test_a_token_is_signed_anew_some_minutes_before_its_end() -> None:
    now = 1_000_000.0
    account = ServiceAccount(OWNER, service_account.key_file(), AUDIENCE, clock=lambda: now)
    first = account.value({})
    now += 3600 - RENEWED_S - 1
    assert account.value({}) is first
    now += 2
    assert account.value({}) != first


def test_headers_are_the_same_object_as_long_as_the_token_is() -> None:
    provider = provider_with("dynamic::k")
    first, again, other = (provider.request(GEMINI.call(), {"k": k}).headers for k in ("a", "a", "b"))
    assert first is again
    assert dict(other)["authorization"] == "Bearer b"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{bad", "not the key file of a service account: JSON is malformed"),
        ("{}", "not the key file of a service account: Object missing required field `private_key_id`"),
        (service_account.key_file(private_key="no key"), "not the key file of a service account: "),
    ],
    ids=["not_json", "empty", "no_key"],
)
def test_files_that_are_no_key(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(ConfigError) as caught:
        provider_with(f"path::{tmp_path}/key.json")
    assert str(caught.value).startswith(f"Error in acquiring GCP credentials: {reason}")
    assert "no key" not in str(caught.value)


def test_a_key_does_not_show() -> None:
    account = ServiceAccount(OWNER, service_account.key_file(), AUDIENCE)
    assert repr(account) == f"ServiceAccount('{service_account.EMAIL}', '{AUDIENCE}')"
    assert repr(Token("secret", 1.0)) == "Token(•••, 1.0, None)"


# -- locations ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "given", "token"),
    [
        ("dynamic::k", {"k": "own"}, "Bearer own"),
        (
            {"default": "dynamic::k", "fallback": "path_from_env::GCP_VERTEX_CREDENTIALS_PATH"},
            {"k": "own"},
            "Bearer own",
        ),
        ({"default": "dynamic::k", "fallback": "path_from_env::GCP_VERTEX_CREDENTIALS_PATH"}, {}, "Bearer eyJ"),
        (
            {"default": "path_from_env::GCP_VERTEX_CREDENTIALS_PATH", "fallback": "dynamic::k"},
            {"k": "own"},
            "Bearer eyJ",
        ),
    ],
    ids=["dynamic", "default_first", "fallback", "static_wins"],
)
def test_locations(location: Any, given: dict[str, str], token: str) -> None:
    assert headers_of(provider_with(location), given)["authorization"].startswith(token)


def test_the_default_of_the_type_counts() -> None:
    store = CredentialStore({}, {"gcp_vertex_gemini": "dynamic::typed"})
    config = shorthand_config("gcp_vertex_gemini::projects/p/locations/l/endpoints/e")
    provider = type(GEMINI.provider())("p", config, store)
    assert headers_of(provider, {"typed": "t"})["authorization"] == "Bearer t"


@pytest.mark.parametrize("location", ["env::X", "none", {"default": "dynamic::k", "fallback": "env::X"}])
def test_locations_that_are_refused(location: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Error in acquiring GCP credentials: Invalid credential_location for GCPV"):
        provider_with(location)


def test_a_missing_variable() -> None:
    with pytest.raises(ApiKeyMissing) as caught:
        make_provider("p", {"type": "gcp_vertex_gemini", **VERTEX, "model_id": "m"})
    text = "API key missing for provider GCPVertexGemini: Environment variable `GCP_VERTEX_CREDENTIALS_PATH` is missing"
    assert caught.value.text == text


@pytest.mark.parametrize("location", ["sdk", "path_from_env::GCP_VERTEX_CREDENTIALS_PATH"])
def test_without_google_auth_the_error_names_the_extra(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "t0.providers.gcp.sdk")
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(ConfigError, match=r"pip install 't0-gateway\[gcp\]'"):
        provider_with(location)


# -- the machine's own login -------------------------------------------------------------------------------------------


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any] | None], None]:
    """Sets what the machine is logged in with: the content of a credentials file, or None for nothing."""
    for name in (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_QUOTA_PROJECT",
        "GOOGLE_CLOUD_PROJECT",
        "NO_GCE_CHECK",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))

    def set_login(content: dict[str, Any] | None) -> None:
        if content is None:
            return
        (tmp_path / "login.json").write_text(json.dumps(content))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "login.json"))

    return set_login


USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
TOKEN = {"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"}
TOKENS = "https://oauth2.googleapis.com/token"
METADATA = "http://metadata.google.internal/computeMetadata/v1/"


async def prepared(provider: Provider, network: Network, credentials: dict[str, str] | None = None) -> dict[str, str]:
    assert provider.prepares
    await provider.prepare(credentials or {}, network)
    return headers_of(provider, credentials)


def test_a_users_login_is_refreshed_through_the_transport(login: Any) -> None:
    login({**USER, "quota_project_id": "payer"})
    network = Network({TOKENS: (200, TOKEN)})
    headers = asyncio.run(prepared(provider_with("sdk"), network))
    assert headers["authorization"] == "Bearer ya29.one"
    assert headers["x-goog-user-project"] == "payer"
    [request] = network.sent
    form = parse_qs(request.body.decode())
    assert (request.method, form["grant_type"], form["refresh_token"]) == ("POST", ["refresh_token"], ["r"])


def test_a_service_account_as_login_asks_its_token_endpoint(login: Any) -> None:
    login(json.loads(service_account.key_file(token_uri="https://tokens.example.com/token", project_id="proj")))
    network = Network({"https://tokens.example.com/token": (200, TOKEN)})
    assert asyncio.run(prepared(provider_with("sdk"), network))["authorization"] == "Bearer ya29.one"
    assertion = parse_qs(network.sent[0].body.decode())["assertion"][0]
    claims = jwt.decode(assertion, certs=service_account.public_pem(), audience=TOKENS)
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_the_metadata_server_is_the_last_resort(login: Any) -> None:
    login(None)
    accounts = f"{METADATA}instance/service-accounts/"
    network = Network(
        {
            f"{accounts}default/token": (200, TOKEN),
            accounts: (200, {"email": service_account.EMAIL, "scopes": ["cloud"]}),
            f"{METADATA}project/project-id": (200, "proj"),
            "http://169.254.169.254": (200, {}),
        }
    )
    assert asyncio.run(prepared(provider_with("sdk"), network))["authorization"] == "Bearer ya29.one"
    assert all(dict(r.headers)["metadata-flavor"] == "Google" for r in network.sent)


def test_all_providers_of_a_configuration_share_one_login(login: Any) -> None:
    login(USER)
    store = CredentialStore({})
    network = Network({TOKENS: (200, TOKEN)})
    shared = [default_credential(OWNER, store).shared for _ in range(3)]

    async def ensure_all() -> None:
        await asyncio.gather(*(s.ensure(network) for s in shared for _ in range(10)))

    asyncio.run(ensure_all())
    assert len(network.sent) == 1
    assert default_credential(OWNER, CredentialStore({})).shared is not shared[0]


def test_a_requests_own_token_needs_no_login(login: Any) -> None:
    login(USER)
    provider, network = provider_with({"default": "dynamic::k", "fallback": "sdk"}), Network({TOKENS: (200, TOKEN)})
    assert asyncio.run(prepared(provider, network, {"k": "own"}))["authorization"] == "Bearer own"
    assert network.sent == []
    assert asyncio.run(prepared(provider, network))["authorization"] == "Bearer ya29.one"


def test_start_up_checks_the_login_though_requests_may_bring_their_own(login: Any) -> None:
    login(USER)
    provider = provider_with({"default": "dynamic::k", "fallback": "sdk"})
    with pytest.raises(GCPCredentialsError):
        asyncio.run(provider.check(Network({TOKENS: (401, {"error": "invalid_grant"})})))


@pytest.mark.parametrize("location", ["dynamic::k", "path_from_env::GCP_VERTEX_CREDENTIALS_PATH"])
def test_other_credentials_need_no_network(location: str) -> None:
    provider, network = provider_with(location), Network({})
    assert not provider.prepares
    asyncio.run(provider.check(network))
    assert network.sent == []


@pytest.mark.parametrize(
    ("content", "answers", "reason"),
    [
        (
            USER,
            {TOKENS: (400, {"error": "invalid_grant", "error_description": "Bad Request"})},
            "invalid_grant: Bad Req",
        ),
        (USER, {}, "Could not connect to https://oauth2.googleapis.com: refused"),
        ({"type": "nonsense"}, {}, "The file "),
    ],
    ids=["refused", "unreachable", "bad_file"],
)
def test_logins_that_fail(
    login: Any, content: dict[str, Any], answers: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    login(content)
    with pytest.raises(GCPCredentialsError) as caught:
        asyncio.run(prepared(provider_with("sdk"), Network(answers)))
    assert caught.value.text.startswith(f"Error in acquiring GCP credentials: {reason}")
    assert caught.value.status == 500


def test_no_login_at_all(login: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    login(None)
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    monkeypatch.setattr("google.auth.compute_engine._metadata.detect_gce_residency_linux", lambda: False)
    with pytest.raises(GCPCredentialsError, match="default credentials were not found"):
        asyncio.run(DefaultCredentials().fetch(Network({})))


def test_a_token_endpoint_that_says_nothing(login: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    login(USER)
    monkeypatch.setattr("t0.providers.gcp.sdk.TIMEOUT_S", 0.01)
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)

    class Silent(Network):
        async def send(self, request: HttpRequest) -> HttpResponse:
            await asyncio.sleep(60)
            raise AssertionError

    with pytest.raises(GCPCredentialsError, match=r"oauth2\.googleapis\.com did not answer within 0\.01 s"):
        asyncio.run(DefaultCredentials().fetch(Silent({})))


# -- shared tokens -----------------------------------------------------------------------------------------------------


class Source:
    """Gives the tokens `t1`, `t2` … good for an hour of its own clock, one for each call that is let through."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.calls = 0
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.shared = SharedToken(self.fetch, clock=lambda: self.now)

    async def fetch(self, transport: Any) -> Token:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.fails:
            raise GCPCredentialsError("no luck")
        return Token(f"t{number}", self.now + 3600)

    async def ensure(self) -> str:
        await self.shared.ensure(Network({}))
        assert self.shared.token is not None
        return self.shared.token.value

    def open_later(self) -> None:
        asyncio.get_running_loop().call_later(0.01, self.gate.set)


def scenario(steps: Callable[[Source], Awaitable[None]]) -> None:
    async def run() -> None:
        await steps(Source())

    asyncio.run(run())


def test_waiters_share_one_fetch() -> None:
    async def steps(source: Source) -> None:
        source.gate.clear()
        source.open_later()
        assert await asyncio.gather(*(source.ensure() for _ in range(100))) == ["t1"] * 100
        assert source.calls == 1

    scenario(steps)


def test_a_waiter_that_gives_up_leaves_the_fetch_to_the_others() -> None:
    async def steps(source: Source) -> None:
        source.gate.clear()
        first, second = asyncio.create_task(source.ensure()), asyncio.create_task(source.ensure())
        await asyncio.sleep(0)
        first.cancel()
        source.open_later()
        assert await second == "t1"
        assert (source.calls, first.cancelled()) == (1, True)

    scenario(steps)


def test_a_token_is_renewed_in_the_background_before_its_end() -> None:
    async def steps(source: Source) -> None:
        await source.ensure()
        source.now += 3600 - RENEWED_S - 1
        assert (await source.ensure(), source.calls) == ("t1", 1)
        source.now += 2
        source.gate.clear()
        assert await asyncio.gather(*(source.ensure() for _ in range(10))) == ["t1"] * 10
        source.gate.set()
        await asyncio.sleep(0.01)
        assert (await source.ensure(), source.calls) == ("t2", 2)

    scenario(steps)


def test_a_spent_token_is_waited_for() -> None:
    async def steps(source: Source) -> None:
        await source.ensure()
        source.now += 3595
        assert await source.ensure() == "t2"

    scenario(steps)


def test_a_failed_renewal_keeps_the_token_and_pauses(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(source: Source) -> None:
        await source.ensure()
        source.fails = True
        source.now += 3600 - RENEWED_S + 1
        assert await source.ensure() == "t1"
        await asyncio.sleep(0.01)
        assert (await source.ensure(), source.calls) == ("t1", 2)
        source.now += PAUSE_S
        assert await source.ensure() == "t1"
        await asyncio.sleep(0.01)
        assert source.calls == 3
        source.now += RENEWED_S
        with pytest.raises(GCPCredentialsError, match=r"^Error in acquiring GCP credentials: no luck$"):
            await source.ensure()
        source.fails = False
        assert await source.ensure() == "t5"

    with caplog.at_level(logging.WARNING, logger="t0"):
        scenario(steps)
    assert [r.message for r in caplog.records] == ["Error in acquiring GCP credentials: no luck"] * 3


def test_a_failure_fails_all_who_wait_each_with_an_error_of_its_own() -> None:
    async def steps(source: Source) -> None:
        source.fails = True
        results = await asyncio.gather(*(source.ensure() for _ in range(5)), return_exceptions=True)
        assert len({id(r) for r in results if isinstance(r, GCPCredentialsError)}) == 5
        assert source.calls == 1

    scenario(steps)


# -- shorthand names ---------------------------------------------------------------------------------------------------

G, A = "gcp_vertex_gemini", "gcp_vertex_anthropic"


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (G, "projects/P/locations/L/publishers/google/models/gemini-2.5-pro"),
        (G, "projects/P/locations/L/endpoints/123"),
        (A, "projects/P/locations/L/publishers/anthropic/models/claude-opus-4@20250514"),
        (A, "projects/P/locations/L/endpoints/123"),
    ],
)
def test_a_shorthand_name_is_the_path_of_the_resource(kind: str, path: str) -> None:
    assert is_shorthand(f"{kind}::{path}")
    vendor = BY_NAME[kind]
    store = CredentialStore(service_account.environment())
    provider = type(vendor.provider())("p", shorthand_config(f"{kind}::{path}"), store)
    verb = "generateContent" if kind == G else "rawPredict"
    request = provider.request(vendor.call(params=ChatCompletionParams(max_tokens=5)), {})
    assert str(request.url) == f"https://l-aiplatform.googleapis.com/v1/{path}:{verb}"


@pytest.mark.parametrize(
    ("kind", "path", "what"),
    [
        (
            G,
            "gemini-2.5-pro",
            "is not in the expected format (should start with `projects/<project>/locations/<location>`)",
        ),
        (G, "project/P/locations/L/endpoints/1", "does not start with 'projects'"),
        (G, "projects/P/location/L/endpoints/1", "does contain '/locations/'"),
        (G, "projects/P/locations/L/publishers", "does not contain a publisher"),
        (G, "projects/P/locations/L/publishers/anthropic/models/m", "has publisher `anthropic`, expected `google`"),
        (A, "projects/P/locations/L/publishers/google/models/m", "has publisher `google`, expected `anthropic`"),
        (G, "projects/P/locations/L/publishers/google", "does not contain a model or endpoint"),
        (G, "projects/P/locations/L/publishers/google/model/m", "does not contain a model"),
        (G, "projects/P/locations/L/publishers/google/models", "does not contain a model id"),
        (A, "projects/P/locations/L/endpoints", "does not contain an endpoint"),
        (G, "projects/P/locations/L/models/m", "does not contain a publisher or endpoint"),
    ],
)
def test_shorthand_names_that_are_refused(kind: str, path: str, what: str) -> None:
    assert is_shorthand(f"{kind}::{path}")
    with pytest.raises(ConfigError) as caught:
        shorthand_config(f"{kind}::{path}")
    assert str(caught.value) == f"GCP shorthand url {what}: `{path}`"


# -- Anthropic's models on Vertex AI -----------------------------------------------------------------------------------


def anthropic_body(table: dict[str, Any] | None = None, **call: Any) -> dict[str, Any]:
    return json.loads(ANTHROPIC.provider(**(table or {})).request(ANTHROPIC.call(**call), {}).body)


def test_anthropics_request() -> None:
    provider = ANTHROPIC.provider(provider_tools=[{"type": "bash", "strict": True}])
    tools = tool_config(
        choice="required", parallel_tool_calls=False, provider_tools=[ProviderTool(None, {"type": "x"})]
    )
    params = ChatCompletionParams(max_tokens=9, temperature=0.5, reasoning_effort="low", service_tier="auto")
    messages = [ModelMessage("user", [Text("Hi")])]
    call = ANTHROPIC.call(
        messages=messages, system="s", tools=tools, params=params, json_mode="strict", output_schema={}
    )
    request = provider.request(call, {})
    path = "projects/proj/locations/us-east5/publishers/anthropic/models/claude-x"
    assert str(request.url) == f"https://us-east5-aiplatform.googleapis.com/v1/{path}:rawPredict"
    assert dict(request.headers).keys() == {"content-type", "accept", "user-agent", "authorization"}
    assert json.loads(request.body) == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "stream": False,
        "system": [{"type": "text", "text": "s"}],
        "temperature": 0.5,
        "tools": [
            {
                "name": "weather",
                "description": "Find the weather",
                "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
            {"type": "bash", "strict": True},
            {"type": "x"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }


def test_streams_have_a_verb_of_their_own() -> None:
    url = str(ANTHROPIC.provider().request(ANTHROPIC.call(stream=True), {}).url)
    assert url.endswith("/publishers/anthropic/models/claude-x:streamRawPredict")


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku@20240307", 4096),
        ("claude-3-5-sonnet-v2@20241022", 8192),
        ("claude-3-7-sonnet@20250219", 64_000),
        ("claude-sonnet-4@20250514", 64_000),
        ("claude-sonnet-4-5@20250929", 64_000),
        ("claude-opus-4@20250514", 32_000),
        ("claude-opus-4-1@20250805", 32_000),
        ("claude-opus-4-5@20251101", 64_000),
        ("claude-opus-4-6@default", 128_000),
    ],
)
def test_output_limits(model: str, limit: int) -> None:
    assert anthropic_body({"model_id": model}, params=ChatCompletionParams())["max_tokens"] == limit


def test_an_unknown_model_needs_max_tokens() -> None:
    with pytest.raises(RequestError) as caught:
        anthropic_body({"model_id": "claude-3-haiku"}, params=ChatCompletionParams())
    assert caught.value.text.startswith(
        "Error from gcp_vertex_anthropic client: The TensorZero Gateway doesn't know the output token limit for "
        "`claude-3-haiku` and Anthropic requires you to provide a `max_tokens` value."
    )


def test_it_does_not_think_twice() -> None:
    params = ChatCompletionParams(max_tokens=1, reasoning_effort="low", thinking_budget_tokens=1)
    with pytest.raises(RequestError, match=r"`thinking_budget_tokens` for GCP Vertex Anthropic\. Use"):
        anthropic_body(params=params)


@pytest.mark.parametrize("stream", [False, True])
def test_no_answer_is_begun_for_it(stream: bool) -> None:
    provider = ANTHROPIC.provider()
    call = ANTHROPIC.call(json_mode="on", function_type="json", stream=stream)
    assert len(json.loads(provider.request(call, {}).body)["messages"]) == 1
    if not stream:
        body = json.dumps(ANTHROPIC.wire.complete(text='"a":1}')).encode()
        assert provider.response(call, {}, body).output == [Text('"a":1}')]
        return
    data = b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 1}}}\n\n'
    assert [c.content for c in provider.decoder(call).feed(data)] == [[]]  # type: ignore[union-attr]
