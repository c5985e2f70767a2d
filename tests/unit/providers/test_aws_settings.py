"""Regions and endpoints: where calls to AWS go."""

from pathlib import Path
from typing import Any

import pytest

from t0.errors import ConfigError, RequestError
from unit.providers.replay import make_provider
from unit.providers.vendors import Vendor

KEYS = {"access_key_id": "dynamic::i", "secret_access_key": "dynamic::s"}
GIVEN = {"i": "id", "s": "secret"}
CALL = Vendor("aws_bedrock", {}).call()


def bedrock(env: dict[str, str] | None = None, **table: Any) -> Any:
    return make_provider("p", {"type": "aws_bedrock", "model_id": "a:0", **KEYS, **table}, env)


def sent_to(env: dict[str, str] | None = None, credentials: dict[str, str] | None = None, **table: Any) -> str:
    """The URL, and the region that is signed for."""
    request = bedrock(env, **table).request(CALL, {**GIVEN, **(credentials or {})})
    return f"{request.url} {dict(request.headers)['authorization'].split('/')[2]}"


PATH = "/model/a%3A0/converse"


@pytest.mark.parametrize(
    ("table", "url"),
    [
        pytest.param({"region": "us-east-1"}, "https://bedrock-runtime.us-east-1.amazonaws.com", id="literal"),
        pytest.param(
            {"region": "cn-north-1"}, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn", id="another partition"
        ),
        pytest.param({"region": "env::R"}, "https://bedrock-runtime.eu-west-3.amazonaws.com", id="env"),
        pytest.param({"region": "sdk"}, "https://bedrock-runtime.ap-south-1.amazonaws.com", id="sdk"),
        pytest.param(
            {"allow_auto_detect_region": True}, "https://bedrock-runtime.ap-south-1.amazonaws.com", id="auto detection"
        ),
        pytest.param({"region": "dynamic::r"}, "https://bedrock-runtime.sa-east-1.amazonaws.com", id="dynamic"),
        pytest.param({"region": "r", "endpoint_url": "none"}, "https://bedrock-runtime.r.amazonaws.com", id="none"),
        pytest.param({"region": "r", "endpoint_url": "http://localhost:8/"}, "http://localhost:8", id="endpoint"),
        pytest.param({"region": "r", "endpoint_url": "http://h/base"}, "http://h/base", id="endpoint with path"),
        pytest.param({"region": "r", "endpoint_url": "env::E"}, "http://env", id="endpoint from env"),
        pytest.param({"region": "r", "endpoint_url": "dynamic::e"}, "http://dynamic:81", id="dynamic endpoint"),
    ],
)
def test_addresses(table: dict[str, Any], url: str) -> None:
    env = {"R": "eu-west-3", "E": "http://env", "AWS_REGION": "ap-south-1"}
    found, region = sent_to(env, {"r": "sa-east-1", "e": "http://dynamic:81"}, **table).split(" ")
    assert found == url + PATH
    assert region == (url.split(".")[1] if "amazonaws" in url else "r")


@pytest.mark.parametrize("form", ["path::{}", "path_from_env::F"])
def test_files_are_trimmed(form: str, tmp_path: Path) -> None:
    (tmp_path / "region").write_text(" us-west-2\n")
    file = str(tmp_path / "region")
    assert sent_to({"F": file}, region=form.format(file)).endswith(" us-west-2")


def test_sagemaker_has_its_own_address() -> None:
    table = {"type": "aws_sagemaker", "endpoint_name": "a b", "model_name": "m", "hosted_provider": "openai", **KEYS}
    request = make_provider("p", {**table, "region": "eu-west-1"}).request(CALL, GIVEN)
    assert str(request.url) == "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/a%20b/invocations"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param(
            {"region": "env::NOPE"},
            "Environment variable `NOPE` not found. Your configuration for a `aws_bedrock` provider requires this "
            "variable for `region`.",
            id="variable",
        ),
        pytest.param(
            {"region": "path::/nope"},
            "Failed to read region from file `/nope` for `aws_bedrock`: No such file or directory",
            id="file",
        ),
        pytest.param(
            {"region": "x.evil.example/#"},
            "Invalid region `x.evil.example/#` for `aws_bedrock`: expected a name like `us-east-1`",
            id="no region",
        ),
        pytest.param(
            {"region": "r", "endpoint_url": "nope"},
            "Invalid endpoint URL `nope` for aws_bedrock: `nope` is not an absolute http or https URL",
            id="no url",
        ),
    ],
)
def test_what_stops_the_start(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bedrock({}, **table)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("table", "credentials", "status", "message"),
    [
        ({"region": "dynamic::r"}, {}, 404, "Dynamic region 'r' not found in credentials"),
        (
            {"region": "dynamic::r"},
            {"r": "x.evil.example/"},
            400,
            "Invalid dynamic region: `x.evil.example/`, expected a name like `us-east-1`",
        ),
        (
            {"region": "r", "endpoint_url": "dynamic::e"},
            {},
            404,
            "Dynamic endpoint 'e' not found in credentials",
        ),
        (
            {"region": "r", "endpoint_url": "dynamic::e"},
            {"e": "ftp://x"},
            400,
            "Invalid dynamic endpoint URL: ftp://x",
        ),
    ],
)
def test_what_fails_a_call(table: dict[str, Any], credentials: dict[str, str], status: int, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        sent_to({}, credentials, **table)
    assert (caught.value.status, caught.value.text) == (status, message)


def test_own_keys_for_foreign_endpoints_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    table = {"type": "aws_bedrock", "model_id": "a", "region": "r", "endpoint_url": "dynamic::e"}
    make_provider("dynamic_one", {**table, **KEYS})
    make_provider("static_one", {**table, "access_key_id": "env::I", "secret_access_key": "env::I"}, {"I": "x"})
    warned = [r.getMessage() for r in caplog.records]
    assert warned == ["Provider `static_one` sends its own AWS credentials to endpoints that its callers name"]
