"""Statuses, texts and structured forms of errors."""

import inspect
from collections.abc import Iterator

import pytest

from t0 import errors
from t0.errors import (
    AllCandidatesFailed,
    AllModelProvidersFailed,
    AllRetriesFailed,
    AllVariantsFailed,
    ApiKeyMissing,
    BatchInputValidation,
    BatchNotFound,
    ConfigError,
    InferenceError,
    InternalError,
    InvalidRequest,
    JsonSchemaValidation,
    ModelNotFound,
    ModelProviderTimeout,
    ProviderFailure,
    RateLimitExceeded,
    RequestError,
    RouteNotFound,
    UnknownFunction,
    Verbosity,
    format_duration,
    is_rate_limit,
    status_line,
)
from t0.routes import native, openai_face

CLIENT = ProviderFailure("client", "no", "openai", upstream_status=429, raw_request="{}", raw_response="no")
SERVER = ProviderFailure("server", "down", "openai", upstream_status=503)
FATAL = ProviderFailure("fatal_stream", "gone", "xai", api_type="responses")
LIMITED = RateLimitExceeded("limit")

PLAIN = {
    "client": (CLIENT, 429, "Error 429 Too Many Requests from openai client: no"),
    "client without status": (ProviderFailure("client", "no", "xai"), 500, "Error from xai client: no"),
    "server": (SERVER, 500, "Error from openai server: down"),
    "fatal": (FATAL, 500, "Inference stream closed due to error from xai server: gone"),
    "key": (ApiKeyMissing("OpenAI", "none"), 400, "API key missing for provider OpenAI: none"),
    "schema": (
        JsonSchemaValidation(["a", "b"], {}, "{}"),
        400,
        "JSON Schema validation failed:\na\nb\n\nSchema:\n{}",
    ),
    "model": (ModelNotFound("m"), 404, "Model not found: m"),
    "batch": (BatchNotFound("b"), 404, "Batch request not found for id: b"),
    "batch input": (BatchInputValidation(3, "no"), 400, "Input at index 3 failed validation: no"),
    "route": (RouteNotFound("GET", "/x"), 404, "Route not found: GET /x"),
    "internal": (InternalError("oh"), 500, "Internal error: oh"),
}


@pytest.mark.parametrize(("error", "status", "text"), PLAIN.values(), ids=PLAIN)
def test_statuses_and_texts(error, status, text):
    assert (error.status, error.text) == (status, text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0ms"),
        (1, "1ms"),
        (999, "999ms"),
        (1000, "1s"),
        (1500, "1.5s"),
        (2050, "2.05s"),
        (10_000, "10s"),
        (61_001, "61.001s"),
        (100_000, "100s"),
    ],
)
def test_durations(ms, text):
    assert format_duration(ms) == text


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, "200 OK"),
        (404, "404 Not Found"),
        (413, "413 Payload Too Large"),
        (418, "418 I'm a teapot"),
        (422, "422 Unprocessable Entity"),
        (529, "529 <unknown status code>"),
        (700, "700 <unknown status code>"),
    ],
)
def test_status_lines(status, line):
    assert status_line(status) == line


# -- trees -------------------------------------------------------------------------------------------------------------

PROVIDERS = AllModelProvidersFailed({"a": CLIENT, "b": SERVER})
TEXT = (
    "All model providers failed to infer with errors: a: Error 429 Too Many Requests from openai client: no, "
    "b: Error from openai server: down"
)
TREES = {
    "providers": (PROVIDERS, 500, TEXT),
    "retries": (AllRetriesFailed([PROVIDERS, FATAL]), 500, f"All retries failed with errors: {TEXT}, {FATAL.text}"),
    "retries ending in a timeout": (
        AllRetriesFailed([SERVER, ModelProviderTimeout("p", "non_streaming.total_ms", 5)]),
        408,
        "All retries failed with errors: Error from openai server: down, Model provider p timed out due to configured "
        "`non_streaming.total_ms` timeout (5ms)",
    ),
    "variants": (
        AllVariantsFailed({"v": PROVIDERS, "w": FATAL}),
        502,
        f"All variants failed with errors: v: {TEXT}\nw: {FATAL.text}",
    ),
    "candidates": (
        AllCandidatesFailed({"v": SERVER, "w": FATAL}),
        502,
        f"All candidates failed with errors: v: {SERVER.text}\nw: {FATAL.text}",
    ),
}


@pytest.mark.parametrize(("error", "status", "text"), TREES.values(), ids=TREES)
def test_errors_of_several_attempts(error, status, text):
    assert (error.status, error.text) == (status, text)


def test_the_failures_of_a_tree_are_in_the_order_of_the_attempts():
    tree = AllVariantsFailed({"v": AllRetriesFailed([PROVIDERS, FATAL]), "w": LIMITED})
    assert tree.provider_failures() == [CLIENT, SERVER, FATAL]
    assert InvalidRequest("no").provider_failures() == []


LIMITS = {
    "itself": (LIMITED, True),
    "last provider": (AllModelProvidersFailed({"a": CLIENT, "b": LIMITED}), True),
    "first provider": (AllModelProvidersFailed({"a": LIMITED, "b": CLIENT}), False),
    "a provider's 429": (AllModelProvidersFailed({"a": CLIENT}), False),
    "through all levels": (
        AllVariantsFailed({"v": SERVER, "w": AllRetriesFailed([SERVER, AllModelProvidersFailed({"a": LIMITED})])}),
        True,
    ),
    "not in the last variant": (AllVariantsFailed({"v": LIMITED, "w": SERVER}), False),
    "candidates": (AllCandidatesFailed({"v": LIMITED}), True),
}


@pytest.mark.parametrize(("error", "limited"), LIMITS.values(), ids=LIMITS)
def test_429_is_for_our_own_limit_when_it_was_the_last_error(error, limited):
    assert (is_rate_limit(error), error.status == 429) == (limited, limited)


# -- structure ---------------------------------------------------------------------------------------------------------


def failure(kind, message, **more):
    return {
        kind: {
            "message": message,
            "provider_type": "openai",
            "api_type": "chat_completions",
            **more,
            "raw_request": None,
            "raw_response": None,
        }
    }


DESCRIBED = {
    "message": (InvalidRequest("no"), {"InvalidRequest": {"message": "no"}}),
    "fields": (UnknownFunction("f"), {"UnknownFunction": {"name": "f"}}),
    "client": (CLIENT, failure("InferenceClient", "no", status_code=429)),
    "server": (SERVER, failure("InferenceServer", "down")),
    "tree": (
        AllVariantsFailed({"v": AllRetriesFailed([SERVER, InferenceError("odd")])}),
        {
            "AllVariantsFailed": {
                "errors": {
                    "v": {
                        "AllRetriesFailed": {
                            "errors": [failure("InferenceServer", "down"), {"Inference": {"message": "odd"}}]
                        }
                    }
                }
            }
        },
    ),
}


@pytest.mark.parametrize(("error", "expected"), DESCRIBED.values(), ids=DESCRIBED)
def test_structured_errors(error, expected):
    assert error.describe() == expected


@pytest.fixture
def debug() -> Iterator[None]:
    Verbosity.debug = True
    yield
    Verbosity.debug = False


@pytest.mark.usefixtures("debug")
def test_raw_bodies_are_told_in_debug_mode():
    assert CLIENT.text == "Error from openai client: no\nRaw request: {}\nRaw response: no"
    tree = AllVariantsFailed({"v": AllModelProvidersFailed({"a": CLIENT})})
    assert tree.text == (
        "All variants failed with errors: v: All model providers failed to infer with errors: a: "
        "Error from openai client: no\nRaw request: {}\nRaw response: no"
    )
    assert CLIENT.describe()["InferenceClient"]["raw_response"] == "no"


@pytest.mark.usefixtures("debug")
def test_the_value_that_fails_a_schema_is_told_in_debug_mode():
    error = JsonSchemaValidation(["a"], {"b": [1]}, "{}")
    assert error.text == 'JSON Schema validation failed:\na\n\nData:\n{"b":[1]}\n\nSchema:\n{}'


@pytest.fixture
def structured() -> Iterator[None]:
    Verbosity.structured = True
    yield
    Verbosity.structured = False


@pytest.mark.usefixtures("structured")
def test_the_structure_of_an_error_in_its_body():
    described = {"UnknownFunction": {"name": "f"}}
    text = "Unknown function: f"
    assert native.error_body(UnknownFunction("f")) == {"error": text, "error_json": described}
    assert openai_face.error_body(UnknownFunction("f")) == {
        "error": {"message": text, "tensorzero_error_json": described, "error_json": described}
    }


# -- configuration -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no"),
        ({"key": "a.b"}, "a.b: no"),
        ({"file": "x.toml"}, "no (in x.toml)"),
        ({"key": "a.b", "file": "x.toml"}, "a.b: no (in x.toml)"),
    ],
    ids=["plain", "key", "file", "both"],
)
def test_configuration_errors_tell_the_key_and_the_file(fields, text):
    assert str(ConfigError("no", **fields)) == text


# -- all of them -------------------------------------------------------------------------------------------------------

CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, Exception)]


def test_everything_is_an_error_of_this_package():
    assert [c for c in CLASSES if not issubclass(c, errors.T0Error)] == []


@pytest.mark.parametrize("cls", [c for c in CLASSES if issubclass(c, RequestError)], ids=lambda c: c.__name__)
def test_every_request_error_has_an_http_status(cls):
    assert 400 <= cls.status < 600
