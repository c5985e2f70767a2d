"""Variants that come with a request: what they may be, what is refused and how it is named, how much is built."""

import json
from pathlib import Path
from typing import Any

import pytest

from kit import Kit, chat, fails, json_function, make, model, run, says, tells, variant
from t0.errors import AllModelProvidersFailed, InvalidRequest, RequestError, TemplateError

TOML = (
    model()
    + model("other")
    + model("secret", keys='namespace = "team"')
    + chat(variant("v", 'user_template = "configured.txt"'), keys='user_schema = "words.json"')
    + chat(name="plain")
    + json_function()
)
FILES = {
    "configured.txt": "Configured {{ words }}{% include 'signature.txt' ignore missing %}",
    "words.json": json.dumps({"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}),
}
PLAIN: dict[str, Any] = {"type": "chat_completion", "model": "other"}
NAME = "tensorzero::dynamic_variant"
FIELD = "internal_dynamic_variant_config"


def file(text: str, name: str = "given.txt") -> dict[str, str]:
    return {"__tensorzero_remapped_path": name, "__data": text}


def asked(folder: Path, config: Any, *replies: Any, function: str = "plain", **body: Any) -> tuple[Any, Kit]:
    """The answer to a dry run with this variant, and the kit that gave it."""

    async def ask() -> tuple[Any, Kit]:
        kit = make(folder, TOML, *(replies or [says()]), files=FILES)
        fields = {"dryrun": True, FIELD: config, **body}
        return await kit.infer(function_name=function, **fields), kit

    return run(ask())


# -- running -----------------------------------------------------------------------------------------------------------


def test_the_variant_answers_instead_of_the_functions_own(tmp_path: Path) -> None:
    config = {**PLAIN, "temperature": 0.5, "max_tokens": None, "extra_body": [{"pointer": "/x", "value": None}]}
    answer, kit = asked(tmp_path, config, says("mine"))
    assert (answer.variant_name, answer.output[0].text) == (NAME, "mine")
    body = kit.transport.bodies[0]
    assert (body["model"], body["temperature"], body["x"], "max_tokens" in body) == ("other-p", 0.5, None, False)
    assert kit.records == []


def test_templates_of_the_request(tmp_path: Path) -> None:
    config = {
        **PLAIN,
        "system_template": file("Be brief", "system.txt"),
        "templates": {"user": {"path": file("Say {{ words }} {% include 'configured.txt' %}", "user.txt")}},
    }
    input_ = {"messages": [{"role": "user", "content": [{"type": "text", "arguments": {"words": "hello"}}]}]}
    _, kit = asked(tmp_path, config, function="f", input=input_)
    assert kit.transport.bodies[0]["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Say hello Configured hello"},
    ]


def test_a_template_of_the_request_takes_the_place_of_a_configured_one_of_that_name(tmp_path: Path) -> None:
    config = {
        **PLAIN,
        "system_template": file("{% include 'configured.txt' %}", "system.txt"),
        "user_template": file("Given {{ words }}", "configured.txt"),
    }
    input_ = {"messages": [{"role": "user", "content": [{"type": "text", "arguments": {"words": "x"}}]}]}
    with pytest.raises(RequestError) as caught:
        asked(tmp_path, config, function="f", input=input_)
    assert "undefined value" in caught.value.text


def test_a_computed_include_reaches_the_configured_templates(tmp_path: Path) -> None:
    text = "{% set name = 'configured.txt' %}{% set words = 'w' %}{% include name %}"
    _, kit = asked(tmp_path, {**PLAIN, "system_template": file(text)})
    assert kit.transport.bodies[0]["messages"][0]["content"] == "Configured w"


def test_streaming(tmp_path: Path) -> None:
    async def ask() -> Any:
        kit = make(tmp_path, TOML, tells("a", "b"), files=FILES)
        body = {"function_name": "plain", "input": {"messages": []}, "stream": True, "dryrun": True, FIELD: PLAIN}
        answer = await kit.call("/inference", body)
        return [e["variant_name"] for e in answer.events()[:-1]]

    assert set(run(ask())) == {NAME}


def test_its_error_is_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises(AllModelProvidersFailed):
        asked(tmp_path, PLAIN, fails(500, "no"))


def test_the_built_in_function_takes_one(tmp_path: Path) -> None:
    answer, _ = asked(tmp_path, PLAIN, says("mine"), function="tensorzero::default")
    assert (answer.variant_name, answer.output[0].text) == (NAME, "mine")


def test_json_functions_take_one(tmp_path: Path) -> None:
    answer, _ = asked(tmp_path, {**PLAIN, "json_mode": "off"}, says('{"a":1}'), function="j")
    assert answer.output.parsed == {"a": 1}


def test_an_endless_template_is_stopped(tmp_path: Path) -> None:
    text = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateError) as caught:
        asked(tmp_path, {**PLAIN, "templates": {"system": {"path": file(text)}}})
    assert "ran out of fuel" in caught.value.text


# -- refusing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            {"dryrun": False},
            "If `internal_dynamic_variant_config` is used, `dryrun` must also be set to true",
            id="stored",
        ),
        pytest.param(
            {"variant_name": "v"},
            "`variant_name` and `internal_dynamic_variant_config` cannot both be set.",
            id="with_a_pin",
        ),
    ],
)
def test_what_it_does_not_go_with(tmp_path: Path, body: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(tmp_path, PLAIN, **body)
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("config", "text"),
    [
        pytest.param({}, f"{FIELD}: TensorZeroDerive: missing tag field `type`", id="no_type"),
        pytest.param(
            {**PLAIN, "model": "nope"}, f"{FIELD}.model: Model name 'nope' not found in model table", id="unknown_model"
        ),
        pytest.param({"type": "chat_completion"}, f"{FIELD}: missing field `model`", id="no_model"),
        pytest.param({**PLAIN, "model": None}, f"{FIELD}: missing field `model`", id="null_is_missing"),
        pytest.param(
            {**PLAIN, "temperature": "hot"},
            f'{FIELD}.temperature: invalid type: string "hot", expected f32',
            id="wrong_type",
        ),
        pytest.param(
            {**PLAIN, "seed": -1}, f"{FIELD}.seed: invalid value: integer `-1`, expected u32", id="out_of_range"
        ),
        pytest.param({**PLAIN, "weight": -1}, f"{FIELD}.weight: `weight` must be non-negative", id="negative_weight"),
        pytest.param(
            {**PLAIN, "json_mode": "on"},
            f"{FIELD}: JSON mode is not supported for variant `{NAME}` (parent function is a chat function)",
            id="json_mode",
        ),
        pytest.param(
            {**PLAIN, "timeouts": {"non_streaming": {"total_ms": 900_001}}},
            f"{FIELD}: The `timeouts.non_streaming.total_ms` value `900001` is greater than "
            "`gateway.global_outbound_http_timeout_ms`: `900000`",
            id="timeout",
        ),
        pytest.param(
            {**PLAIN, "system_template": "/etc/passwd"},
            f'{FIELD}.system_template: invalid type: string "/etc/passwd", expected a path',
            id="file_of_the_machine",
        ),
        pytest.param(
            {**PLAIN, "system_template": {"__tensorzero_remapped_path": "/etc/passwd"}},
            f"{FIELD}.system_template: a file has the keys `__tensorzero_remapped_path` and `__data` and no others",
            id="file_without_text",
        ),
        pytest.param(
            {**PLAIN, "system_template": {"__tensorzero_remapped_path": "a", "__data": 1}},
            f"{FIELD}.system_template.__data: invalid type: integer `1`, expected a string",
            id="text_of_a_wrong_type",
        ),
        pytest.param(
            {**PLAIN, "system_template": file("{{ x")},
            f"{FIELD}: Error rendering template given.txt: Failed to add template: syntax error: "
            "unexpected end of input, expected end of variable block (in given.txt:1)",
            id="template_syntax",
        ),
        pytest.param(
            {**PLAIN, "system_template": file("{{ other }}")},
            f"{FIELD}.system_template: template needs variables: [other] but only `system_text` is allowed when "
            "template has no schema",
            id="template_variables",
        ),
        pytest.param(
            {**PLAIN, "system_template": file("x" * 300_000)},
            f"{FIELD}: 300118 bytes are too many, expected at most 262144",
            id="too_large",
        ),
    ],
)
def test_bad_configurations(tmp_path: Path, config: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(tmp_path, config)
    assert (caught.value.status, caught.value.text) == (400, text)


@pytest.mark.parametrize(
    ("function", "config", "text"),
    [
        pytest.param("j", PLAIN, f"`json_mode` must be specified for `[{FIELD}]`", id="json_function"),
        pytest.param("f", PLAIN, "template is required when schema is specified", id="schema_without_template"),
    ],
)
def test_rules_of_the_function(tmp_path: Path, function: str, config: dict[str, Any], text: str) -> None:
    words = {"messages": [{"role": "user", "content": [{"type": "text", "arguments": {"words": "w"}}]}]}
    with pytest.raises(InvalidRequest) as caught:
        asked(tmp_path, config, function=function, input=words if function == "f" else {"messages": []})
    assert text in caught.value.text


def test_namespaces_count_as_for_a_pinned_variant(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(tmp_path, {**PLAIN, "model": "secret"})
    assert caught.value.text == (
        f"Variant `{NAME}` uses model `secret` which has namespace `team`, but the request namespace is `None`. "
        "Namespaced models can only be used with a matching namespace."
    )
    answer, _ = asked(tmp_path, {**PLAIN, "model": "secret"}, says("ours"), namespace="team")
    assert answer.output[0].text == "ours"


# -- building once -----------------------------------------------------------------------------------------------------


def test_equal_variants_of_one_function_are_built_once(tmp_path: Path) -> None:
    async def built() -> None:
        kit = make(tmp_path, TOML, files=FILES)
        get, function = kit.gateway.dynamic_variants.get, kit.gateway.function
        first = get(function("plain"), {**PLAIN, "seed": 1})
        assert get(function("plain"), {"seed": 1, **PLAIN}) is first
        assert get(function("plain"), {**PLAIN, "seed": 2}) is not first
        assert get(function("tensorzero::default"), {**PLAIN, "seed": 1}) is not first

    run(built())


def test_what_is_kept_is_bounded_by_bytes(tmp_path: Path) -> None:
    async def built() -> None:
        kit = make(tmp_path, TOML, files=FILES)
        get, function = kit.gateway.dynamic_variants.get, kit.gateway.function("plain")
        first = get(function, {**PLAIN, "system_template": file("0" * 250_000)})
        for i in range(1, 40):
            get(function, {**PLAIN, "system_template": file(f"{i:02}" * 125_000)})
        assert get(function, {**PLAIN, "system_template": file("0" * 250_000)}) is not first

    run(built())
