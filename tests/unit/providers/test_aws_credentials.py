"""Where AWS credentials come from, and when they are asked for again."""

import asyncio
import datetime
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from t0.config.credentials import CredentialStore
from t0.errors import ApiKeyMissing, ConfigError
from t0.providers.aws.credentials import CHECK_S, GRACE_S, RETRY_S, ChainKeys, chain_keys
from t0.providers.aws.sdk import Chain, Keys, find_region
from t0.upstream.client import Client
from unit.providers.replay import make_provider
from unit.providers.vendors import Vendor

BEDROCK = {"type": "aws_bedrock", "model_id": "m", "region": "us-east-1"}
ENV = {"I": "id", "S": "secret", "T": "token", "EMPTY": ""}


def proof(table: dict[str, Any], credentials: dict[str, str], env: dict[str, str] | None = None) -> str:
    """The `authorization` of a call, its signature cut off, and the session token."""
    provider = make_provider("p", {**BEDROCK, **table}, ENV if env is None else env)
    request = provider.request(Vendor("aws_bedrock", {}).call(), credentials)
    headers = dict(request.headers)
    token = f" {headers['x-amz-security-token']}" if "x-amz-security-token" in headers else ""
    return headers["authorization"].removeprefix("AWS4-HMAC-SHA256 Credential=").partition("/")[0] + token


ENV_KEYS = {"access_key_id": "env::I", "secret_access_key": "env::S"}
DYNAMIC_KEYS = {"access_key_id": "dynamic::i", "secret_access_key": "dynamic::s"}


@pytest.mark.parametrize(
    ("table", "credentials", "expected"),
    [
        pytest.param(ENV_KEYS, {}, "id", id="environment"),
        pytest.param({**ENV_KEYS, "session_token": "env::T"}, {}, "id token", id="environment with token"),
        pytest.param({**ENV_KEYS, "session_token": "sdk"}, {}, "id", id="token of the SDK is ignored"),
        pytest.param(DYNAMIC_KEYS, {"i": "one", "s": "x"}, "one", id="dynamic"),
        pytest.param(
            {**DYNAMIC_KEYS, "session_token": "dynamic::t"},
            {"i": "one", "s": "x", "t": "two"},
            "one two",
            id="dynamic with token",
        ),
        pytest.param({"api_key": "env::I"}, {}, "Bearer id", id="bearer"),
        pytest.param({"api_key": "dynamic::k"}, {"k": "b"}, "Bearer b", id="dynamic bearer"),
    ],
)
def test_sources(table: dict[str, Any], credentials: dict[str, str], expected: str) -> None:
    assert proof(table, credentials) == expected


def test_the_bearer_variable_takes_the_place_of_the_chain_only() -> None:
    env = {**ENV, "AWS_BEARER_TOKEN_BEDROCK": "b"}
    assert proof({}, {}, env) == "Bearer b"
    assert proof(ENV_KEYS, {}, env) == "id"
    assert proof({"api_key": "env::I"}, {}, env) == "Bearer id"


def test_an_empty_bearer_variable_does_not_count() -> None:
    provider = make_provider("p", BEDROCK, {"AWS_BEARER_TOKEN_BEDROCK": ""})
    assert provider.prepares


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (DYNAMIC_KEYS, "Dynamic `access_key_id` with key `i` is missing"),
        ({"api_key": "dynamic::k"}, "Dynamic `api_key` with key `k` is missing"),
    ],
)
def test_missing_dynamic_keys(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiKeyMissing) as caught:
        proof(table, {"s": "x"})
    assert caught.value.text == f"API key missing for provider aws: {message}"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {**ENV_KEYS, "secret_access_key": "env::NOPE"},
            "Environment variable `NOPE` not found for `secret_access_key` in `aws_bedrock`.",
        ),
        ({"api_key": "env::NOPE"}, "Environment variable `NOPE` not found for `api_key` in `aws_bedrock`."),
    ],
)
def test_missing_variables_stop_the_start(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        proof(table, {})
    assert caught.value.message == message


def test_one_chain_for_all_providers_of_a_configuration() -> None:
    store = CredentialStore({})
    assert chain_keys(store) is chain_keys(store)
    assert chain_keys(store) is not chain_keys(CredentialStore({}))


# -- when the chain is asked -------------------------------------------------------------------------------------------


class Script:
    """A chain that gives what it is told, and a clock that is set."""

    def __init__(self, *answers: Keys | ApiKeyMissing) -> None:
        self.answers, self.asked, self.now = list(answers), 0, 1000.0
        self.source = ChainKeys(self.resolve, lambda: self.now)

    def resolve(self) -> Keys:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, ApiKeyMissing):
            raise answer
        return answer

    async def key(self, at: float = 0.0) -> str:
        """The key that a call `at` seconds gets; what goes on beside it is over afterwards."""
        self.now = 1000.0 + at
        await self.source.prepare()
        key = self.source.keys({}).access_key
        await settled()
        return key


async def settled() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


GONE = ApiKeyMissing("aws", "gone")
OLD, NEW = Keys("old", "s"), Keys("new", "s")


def test_keys_are_kept_and_renewed_beside_the_calls() -> None:
    async def run() -> list[Any]:
        script = Script(OLD, NEW)
        calls = [0.0, CHECK_S - 1, CHECK_S, CHECK_S + 1]
        return [(await script.key(at), script.asked) for at in calls]

    # The call that finds the keys due for renewal still uses the old ones.
    assert asyncio.run(run()) == [("old", 1), ("old", 1), ("old", 2), ("new", 2)]


def test_calls_that_need_the_chain_at_once_ask_it_once() -> None:
    async def key(script: Script) -> str:
        await script.source.prepare()
        return script.source.keys({}).access_key

    async def run() -> tuple[set[str], int]:
        script = Script(OLD)
        return set(await asyncio.gather(*(key(script) for _ in range(20)))), script.asked

    assert asyncio.run(run()) == ({"old"}, 1)


def test_old_keys_outlive_a_failing_chain_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        script = Script(OLD, GONE)
        assert await script.key() == "old"
        assert await script.key(CHECK_S) == "old"
        assert await script.key(CHECK_S + RETRY_S - 1) == "old"
        assert script.asked == 2
        assert await script.key(CHECK_S + RETRY_S) == "old"
        assert script.asked == 3
        with pytest.raises(ApiKeyMissing, match="gone"):
            await script.key(CHECK_S + GRACE_S)

    asyncio.run(run())
    assert {r.getMessage() for r in caplog.records if r.name == "t0"} == {"API key missing for provider aws: gone"}


def test_a_chain_that_recovers() -> None:
    async def run() -> str:
        script = Script(GONE, NEW)
        with pytest.raises(ApiKeyMissing, match="gone"):
            await script.key()
        return await script.key()

    assert asyncio.run(run()) == "new"


def test_a_cancelled_call_leaves_the_others_their_keys() -> None:
    async def run() -> str:
        gate = threading.Event()

        def resolve() -> Keys:
            assert gate.wait(10)
            return OLD

        source = ChainKeys(resolve)
        first, second = (asyncio.create_task(source.prepare()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        await second
        assert first.cancelled()
        return source.keys({}).access_key

    assert asyncio.run(run()) == "old"


# -- the chain itself --------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """An environment in which the SDK finds nothing but what is set here."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


def test_nothing_is_found(bare: Callable[..., None]) -> None:
    with pytest.raises(ApiKeyMissing) as caught:
        Chain().resolve()
    expected = "API key missing for provider aws: No credentials were found in the AWS credential chain"
    assert caught.value.text == expected


def test_keys_of_the_environment(bare: Callable[..., None]) -> None:
    bare(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
    assert Chain().resolve() == Keys("id", "s", "t")


def test_a_rotated_file_is_read_again(bare: Callable[..., None], tmp_path: Path) -> None:
    chain = Chain()
    for key in ("one", "two"):
        (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
        assert chain.resolve() == Keys(key, "s")


@pytest.mark.parametrize("command", ["/bin/false", "/bin/echo no JSON", "/bin/echo []", "/nowhere/program"])
def test_a_failing_process(command: str, bare: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {command}\n")
    with pytest.raises(ApiKeyMissing, match="The AWS credential chain failed: "):
        Chain().resolve()


def test_half_of_the_keys(bare: Callable[..., None]) -> None:
    bare(AWS_ACCESS_KEY_ID="id")
    with pytest.raises(ApiKeyMissing, match="The AWS credential chain failed: Partial credentials"):
        Chain().resolve()


@pytest.fixture
def container() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A container's credential endpoint: its URL, and the answers still to come, the last one for ever."""
    answers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", answers
    server.shutdown()
    thread.join()
    server.server_close()


def expiring(key: str, minutes: int) -> dict[str, str]:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    return {
        "AccessKeyId": key,
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_temporary_keys_are_renewed_before_they_expire(
    bare: Callable[..., None], container: tuple[str, list[dict[str, str]]]
) -> None:
    url, answers = container
    answers += [expiring("five minutes", 5), expiring("an hour", 60), expiring("never asked for", 60)]
    bare(AWS_CONTAINER_CREDENTIALS_FULL_URI=url)
    chain = Chain()
    assert [chain.resolve().access_key for _ in range(3)] == ["an hour"] * 3
    assert [a["AccessKeyId"] for a in answers] == ["never asked for"]


def test_a_provider_with_the_chain_gets_its_keys_before_the_request(bare: Callable[..., None]) -> None:
    bare(AWS_ACCESS_KEY_ID="chained", AWS_SECRET_ACCESS_KEY="s")
    provider = make_provider("p", BEDROCK)
    call = Vendor("aws_bedrock", {}).call()
    with pytest.raises(ApiKeyMissing, match="has not been asked yet"):
        provider.request(call, {})
    assert provider.prepares
    asyncio.run(provider.prepare({}, Client()))
    assert "Credential=chained/" in dict(provider.request(call, {}).headers)["authorization"]


def test_regions_of_the_environment_and_the_profile(bare: Callable[..., None], tmp_path: Path) -> None:
    assert find_region({}) is None
    (tmp_path / "config").write_text("[default]\nregion = eu-central-2\n")
    assert find_region({}) == "eu-central-2"
    assert find_region({"AWS_DEFAULT_REGION": "eu-west-1"}) == "eu-west-1"
    assert find_region({"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}) == "eu-north-1"


# -- without botocore --------------------------------------------------------------------------------------------------


@pytest.fixture
def no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    monkeypatch.delitem(sys.modules, "t0.providers.aws.sdk")


def test_signatures_without_botocore_stop_the_start(no_botocore: None) -> None:
    with pytest.raises(ConfigError) as caught:
        make_provider("p", BEDROCK)
    assert caught.value.message == (
        "Providers of AWS need botocore: `pip install 't0-gateway[aws]'`, or use a bearer token (`api_key`)"
    )


def test_bearer_tokens_need_no_botocore(no_botocore: None) -> None:
    assert proof({"api_key": "env::I"}, {}) == "Bearer id"


def test_botocore_is_imported_only_when_something_signs() -> None:
    code = "import sys, t0.providers.registry as r; r.provider_classes(); print('botocore' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
