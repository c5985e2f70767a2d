"""Credential locations."""

from pathlib import Path
from typing import Any

import pytest

from t0.config.credentials import Credential, CredentialStore, check_location, parse_location
from t0.errors import ApiKeyMissing, ConfigError

ENV = {"OPENAI_API_KEY": "sk-default", "OTHER": "sk-other", "EMPTY": ""}


def credential(location: Any, env: dict[str, str] = ENV, **options: Any) -> Credential:
    given = {"accepts_none": True, **options}
    defaults = given.pop("type_defaults", None)
    return CredentialStore(env, defaults).api_key(
        location, provider_type="openai", owner="OpenAI", default="env::OPENAI_API_KEY", **given
    )


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("env::X", ("env", "X")),
        ("path::/a/b", ("path", "/a/b")),
        ("path_from_env::X", ("path_from_env", "X")),
        ("dynamic::k", ("dynamic", "k")),
        ("dynamic::a::b", ("dynamic", "a::b")),
        ("sdk", ("sdk", "")),
        ("none", ("none", "")),
    ],
)
def test_forms(text: str, parsed: tuple[str, str]) -> None:
    assert parse_location(text) == parsed


@pytest.mark.parametrize("text", ["", "x", "env:X", "ENV::X", "file::x", "none::x", " env::X"])
def test_unknown_forms(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_location(text, "a.b")
    assert str(caught.value) == (
        f"a.b: Invalid credential location format: `{text}`. "
        "Use `env::VAR_NAME`, `path::FILE_PATH`, `dynamic::KEY_NAME`, or `sdk`."
    )


@pytest.mark.parametrize(
    ("location", "given", "value"),
    [
        pytest.param(None, {}, "sk-default", id="default"),
        pytest.param("env::OTHER", {}, "sk-other", id="env"),
        pytest.param("env::EMPTY", {}, "", id="empty_counts_as_present"),
        pytest.param("none", {}, None, id="none"),
        pytest.param("dynamic::k", {"k": "sk-k"}, "sk-k", id="dynamic"),
        pytest.param({"default": "dynamic::k", "fallback": "env::OTHER"}, {"k": "sk-k"}, "sk-k", id="default_first"),
        pytest.param({"default": "dynamic::k", "fallback": "env::OTHER"}, {}, "sk-other", id="fallback"),
        pytest.param({"default": "none", "fallback": "env::OTHER"}, {}, None, id="none_always_wins"),
        pytest.param({"default": "env::OTHER", "fallback": "dynamic::k"}, {"k": "x"}, "sk-other", id="static_wins"),
    ],
)
def test_values(location: Any, given: dict[str, str], value: str | None) -> None:
    assert credential(location).value(given) == value


@pytest.mark.parametrize(
    ("location", "text"),
    [
        pytest.param("dynamic::k", "Dynamic api key `k` is missing", id="dynamic"),
        pytest.param(
            {"default": "dynamic::k", "fallback": "dynamic::l"},
            "Dynamic api key `l` is missing",
            id="text_of_the_fallback",
        ),
    ],
)
def test_missing_at_request_time(location: Any, text: str) -> None:
    with pytest.raises(ApiKeyMissing) as caught:
        credential(location).value({})
    assert caught.value.text == f"API key missing for provider OpenAI: {text}"


@pytest.mark.parametrize(
    "location",
    [
        "env::ABSENT",
        {"default": "env::ABSENT", "fallback": "env::OTHER"},
        {"default": "dynamic::k", "fallback": "env::ABSENT"},
    ],
    ids=["alone", "as_default", "as_fallback"],
)
def test_a_missing_variable_fails_at_once(location: Any) -> None:
    with pytest.raises(ApiKeyMissing) as caught:
        credential(location)
    assert caught.value.text == "API key missing for provider OpenAI: Environment variable `ABSENT` is missing"


@pytest.mark.parametrize(
    "location", ["sdk", "path::x", "path_from_env::X", {"default": "env::OTHER", "fallback": "sdk"}]
)
def test_forms_a_provider_does_not_accept(location: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        credential(location)
    assert str(caught.value) == "Invalid api_key_location for OpenAI provider"


def test_none_where_it_is_not_accepted() -> None:
    with pytest.raises(ConfigError):
        credential("none", accepts_none=False)


def test_files_are_not_trimmed(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b" sk\r\n")
    env = {"WHERE": str(tmp_path / "key")}
    for location in (f"path::{tmp_path}/key", "path_from_env::WHERE"):
        assert credential(location, env, accepts=("path", "path_from_env")).value({}) == " sk\r\n"


@pytest.mark.parametrize(("content", "text"), [(None, "No such file or directory"), (b"\xff", "not UTF-8 text")])
def test_unreadable_files(content: bytes | None, text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ApiKeyMissing) as caught:
        credential(f"path::{path}", accepts=("path",))
    assert caught.value.text == f"API key missing for provider OpenAI: Failed to read credential file `{path}`: {text}"


def test_the_type_default_stands_before_the_built_in_one() -> None:
    assert credential(None, type_defaults={"openai": "env::OTHER"}).value({}) == "sk-other"
    assert credential("none", type_defaults={"openai": "env::OTHER"}).value({}) is None


def test_variables_set_later_change_nothing() -> None:
    env: dict[str, str] = {}
    store = CredentialStore(env)
    env["OPENAI_API_KEY"] = "sk-late"
    with pytest.raises(ApiKeyMissing):
        store.api_key(None, provider_type="openai", owner="OpenAI", default="env::OPENAI_API_KEY", accepts_none=True)


def test_secrets_do_not_show() -> None:
    assert repr(credential("env::OTHER")) == "Credential('OpenAI', •••)"
    assert repr(credential("dynamic::k")) == "Credential('OpenAI', dynamic::k)"
    assert repr(credential("none")) == "Credential('OpenAI', none)"
