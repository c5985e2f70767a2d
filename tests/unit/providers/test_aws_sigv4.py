"""Signatures: those of the published examples, and those of botocore's clients for the same calls."""

import datetime
import json
from typing import Any

import botocore.auth
import pytest

from t0.providers.aws.sdk import Keys, sign
from unit.providers.aws_judge import KEYS, judge
from unit.providers.vendors import Vendor

NOW = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.UTC)

EXAMPLE = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: NOW)


@pytest.mark.parametrize(
    ("method", "target", "headers", "signed", "signature"),
    [
        pytest.param(
            "GET",
            "/",
            [],
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            id="get-vanilla",
        ),
        pytest.param(
            "POST",
            "/",
            [],
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            id="post-vanilla",
        ),
        pytest.param(
            "GET",
            "/?Param2=value2&Param1=value1",
            [],
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            id="get-vanilla-query-order-key-case",
        ),
    ],
)
def test_published_examples(method: str, target: str, headers: Any, signed: str, signature: str) -> None:
    url = f"https://example.amazonaws.com{target}"
    found = sign(EXAMPLE, service="service", region="us-east-1", method=method, url=url, headers=headers, body=b"")
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert dict(found) == {
        "x-amz-date": "20150830T123600Z",
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={signature}",
    }


TEXT = {"messages": [{"role": "user", "content": [{"text": "Grüße"}]}], "inferenceConfig": {}}

CALLS = [
    pytest.param("aws_bedrock", "anthropic.claude-3-haiku-20240307-v1:0", "Converse", None, id="colon"),
    pytest.param("aws_bedrock", "anthropic.claude-3-haiku-20240307-v1:0", "ConverseStream", None, id="stream"),
    pytest.param(
        "aws_bedrock",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.a.b-v1:0",
        "Converse",
        None,
        id="arn",
    ),
    pytest.param("aws_bedrock", "modèle/ü +%41~._-", "Converse", None, id="unicode"),
    pytest.param("aws_bedrock", "m", "Converse", "session/token==", id="session token"),
    pytest.param("aws_sagemaker", "my-endpoint", "InvokeEndpoint", None, id="sagemaker"),
    pytest.param(
        "aws_sagemaker", "my-endpoint", "InvokeEndpointWithResponseStream", "token", id="sagemaker stream and token"
    ),
]


def vendor(provider_type: str, model: str, token: str | None) -> Vendor:
    env = {"I": KEYS["aws_access_key_id"], "S": KEYS["aws_secret_access_key"], "T": token or ""}
    keys = {"region": "eu-west-1", "access_key_id": "env::I", "secret_access_key": "env::S"}
    if token is not None:
        keys["session_token"] = "env::T"
    own = {"model_id": model} if provider_type == "aws_bedrock" else {"endpoint_name": model, "model_name": "m"}
    if provider_type == "aws_sagemaker":
        own["hosted_provider"] = "openai"
    return Vendor(provider_type, {**own, **keys}, env=lambda: env)


@pytest.mark.parametrize(("provider_type", "model", "operation", "token"), CALLS)
def test_calls_are_addressed_and_signed_as_botocore_does(
    provider_type: str, model: str, operation: str, token: str | None
) -> None:
    made = vendor(provider_type, model, token)
    request = made.provider().request(made.call(stream=operation.endswith("Stream")), {})
    if provider_type == "aws_bedrock":
        service, params = "bedrock-runtime", {"modelId": model, **json.loads(request.body)}
    else:
        service, params = "sagemaker-runtime", {"EndpointName": model, "Body": request.body}
    stream = "application/vnd.amazon.eventstream" if request.url.target.endswith("stream") else "application/json"
    theirs = judge(service, operation, params, b"" if "stream" in stream else b"{}", stream, token).request

    assert str(request.url) == theirs.url
    sent = {k.lower(): v if isinstance(v, str) else v.decode() for k, v in theirs.headers.items()}
    names = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = [(n, sent[n]) for n in names if n not in ("host", "x-amz-date", "x-amz-security-token")]
    ours = sign(
        Keys(KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"], token),
        service="bedrock" if provider_type == "aws_bedrock" else "sagemaker",
        region="eu-west-1",
        method="POST",
        url=str(request.url),
        headers=headers,
        body=theirs.body,
    )
    expected = {n: sent[n] for n in ("authorization", "x-amz-date", "x-amz-security-token") if n in sent}
    assert dict(ours) == expected


def test_what_is_signed_is_what_is_sent() -> None:
    made = vendor("aws_bedrock", "m:0", "T")
    request = made.provider(extra_headers=[{"name": "X-Team", "value": "a  b "}]).request(made.call(), {})
    headers = dict(request.headers)
    authorization = headers.pop("authorization")
    names = "accept;content-type;host;x-amz-date;x-amz-security-token;x-team"
    assert f"SignedHeaders={names}, " in authorization
    assert list(headers) == ["user-agent", "x-team", "content-type", "accept", "x-amz-date", "x-amz-security-token"]
    again = sign(
        Keys(KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"], "T"),
        service="bedrock",
        region="eu-west-1",
        method="POST",
        url=str(request.url),
        headers=[h for h in request.headers if not h[0].startswith(("x-amz", "auth"))],
        body=request.body,
    )
    assert dict(again)["authorization"] == authorization


@pytest.mark.parametrize("name", ["authorization", "X-Amz-Date", "x-amz-security-token"])
def test_a_signing_header_of_the_caller_is_kept(name: str) -> None:
    made = vendor("aws_bedrock", "m", "T")
    request = made.provider(extra_headers=[{"name": name, "value": "mine"}]).request(made.call(), {})
    assert [v for n, v in request.headers if n == name.lower()] == ["mine"]


def test_keys_do_not_show_their_secret() -> None:
    assert repr(Keys("AKID", "secret", "token")) == "Keys('AKID', •••)"
