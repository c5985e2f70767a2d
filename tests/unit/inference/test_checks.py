"""What is refused before any model is asked: every error, and which one comes first."""

import pytest

from kit import FakeReader, chat, json_function, make, model, run, says, variant
from t0._core import uuid7
from t0.errors import RequestError

CONFIG = (
    model()
    + model("spaced", keys='namespace = "ns"')
    + chat(
        variant("v", 'templates.system.path = "system.j"'), keys='tools = ["t"]\nschemas.system.path = "object.json"\n'
    )
    + chat(variant("v", function="plain"), name="plain")
    + chat(variant("v", function="chosen"), name="chosen", keys='tool_choice = "none"')
    + chat(
        variant("v", model="spaced", function="s"),
        variant("plain", function="s"),
        name="s",
        keys="[functions.s.experimentation]\ntype = 'static'\ncandidate_variants = ['plain']\n"
        "[functions.s.experimentation.namespaces.ns]\ntype = 'static'\ncandidate_variants = ['v']\n",
    )
    + json_function()
    + '[tools.t]\ndescription = "d"\nparameters = "object.json"\n'
)
FILES = {"object.json": '{"type":"object"}', "system.j": "Be brief"}

RESERVED = {"tags": {"tensorzero::x": "y"}}
BAD_EPISODE = {"episode_id": "11111111-1111-4111-8111-111111111111"}
NO_TARGET = {"function_name": None}
TOOL_MODE = {"params": {"chat_completion": {"json_mode": "tool"}}}
BAD_INPUT = {"input": {"system": "text"}}
GOOD_INPUT = {"input": {"system": {}}}
BAD_FILTER = {"extra_body": [{"pointer": "/a", "value": 1, "variant_name": "zz"}]}
DYNAMIC = {"internal_dynamic_variant_config": {"type": "chat_completion", "model": "m"}}
BAD_TOOL = {"allowed_tools": ["zz"]}
BAD_PIN = {"variant_name": "zz"}
AGGREGATED = {"include_aggregated_response": True}
FILE = {"input": {"system": {}, "messages": [{"role": "user", "content": [{"type": "file", "url": "https://a.test"}]}]}}

TARGET = "Invalid inference target: "
ONLY_ONE = f"{TARGET}Only one of `function_name` or `model_name` can be provided"
NEEDS_FUNCTION = f"{TARGET}If a dynamic variant config is passed, `function_name` must be specified."
NAMESPACED = "Namespaced models can only be used with a matching namespace."
ONE = {"function_name": "plain"}

REFUSED = {
    "neither name": (NO_TARGET, 400, f"{TARGET}Either `function_name` or `model_name` must be provided"),
    "both names": ({"function_name": "f", "model_name": "m"}, 400, ONLY_ONE),
    "both names and a variant": ({"function_name": "f", "model_name": "m", **BAD_PIN}, 400, ONLY_ONE),
    "model and variant": (
        {"model_name": "m", **BAD_PIN},
        400,
        f"{TARGET}`variant_name` cannot be provided when using `model_name`",
    ),
    "model and dynamic variant": ({"model_name": "m", **DYNAMIC}, 400, NEEDS_FUNCTION),
    "model and both variants": ({"model_name": "m", **DYNAMIC, **BAD_PIN}, 400, NEEDS_FUNCTION),
    "unknown function": ({"function_name": "zz"}, 404, "Unknown function: zz"),
    "unknown model": (
        {"model_name": "zz"},
        400,
        f"{TARGET}Invalid model name: Model name 'zz' not found in model table",
    ),
    "unknown prefix": (
        {"model_name": "zz::gpt"},
        400,
        f"{TARGET}Invalid model name: Model name 'zz::gpt' not found in model table",
    ),
    "no variants": (
        {"function_name": "tensorzero::default"},
        500,
        "Function `tensorzero::default` has no variants",
    ),
    "unknown variant": ({**ONE, **BAD_PIN}, 404, "Unknown variant: zz"),
    "dynamic without dryrun": (
        {**ONE, **DYNAMIC},
        400,
        "If `internal_dynamic_variant_config` is used, `dryrun` must also be set to true",
    ),
    "dynamic and pinned": (
        {**ONE, **DYNAMIC, **BAD_PIN, "dryrun": True},
        400,
        "`variant_name` and `internal_dynamic_variant_config` cannot both be set.",
    ),
    "namespaced model": (
        {"model_name": "spaced"},
        400,
        f"Model `spaced` has namespace `ns`, but the request namespace is `None`. {NAMESPACED}",
    ),
    "namespaced model of another": (
        {"model_name": "spaced", "namespace": "x"},
        400,
        f"Model `spaced` has namespace `ns`, but the request namespace is `x`. {NAMESPACED}",
    ),
    "namespaced model of a pinned variant": (
        {"function_name": "s", "variant_name": "v"},
        400,
        f"Variant `v` uses model `spaced` which has namespace `ns`, but the request namespace is `None`. {NAMESPACED}",
    ),
    "filter of a variant": ({**ONE, **BAD_FILTER}, 404, "Unknown variant: zz"),
    "filter of a model": (
        {**ONE, "extra_headers": [{"name": "a", "value": "b", "model_name": "zz"}]},
        400,
        f"{TARGET}Invalid model provider filter: model `zz` does not exist.",
    ),
    "filter of a provider": (
        {**ONE, "extra_body": [{"pointer": "/a", "delete": True, "model_name": "m", "provider_name": "zz"}]},
        400,
        f"{TARGET}Invalid model provider filter: provider `zz` not found in model `m`.",
    ),
    "aggregated, not streamed": (
        {**ONE, **AGGREGATED},
        400,
        "`include_aggregated_response` is only supported in streaming mode",
    ),
    "file without a store": (
        {**ONE, "input": {"messages": FILE["input"]["messages"]}},
        500,
        "Object storage is not configured. You must configure `[object_storage]` before making requests containing "
        "a `file` content block. If you don't want to use object storage, you can explicitly set "
        '`object_storage.type = "disabled"` in your configuration.',
    ),
    "tool mode with tools": (
        {**GOOD_INPUT, **TOOL_MODE},
        400,
        "JSON mode `tool` is not supported with other tools configured.",
    ),
    "tool mode with a choice": (
        {"function_name": "chosen", **TOOL_MODE},
        400,
        "JSON mode `tool` is not supported with `tool_choice` or `parallel_tool_calls`.",
    ),
    "tool mode without a schema": ({**ONE, **TOOL_MODE}, 400, "JSON mode `tool` requires `output_schema`."),
}


def refusal(folder, request):
    """Status and text of the refusal; no model was asked."""
    kit = make(folder, CONFIG, files=FILES, reader=FakeReader())
    with pytest.raises(RequestError) as caught:
        run(kit.infer(**request))
    assert kit.transport.requests == []
    return caught.value.status, caught.value.text


@pytest.mark.parametrize(("request_", "status", "text"), REFUSED.values(), ids=REFUSED)
def test_refused_requests(tmp_path, request_, status, text):
    assert refusal(tmp_path, request_) == (status, text)


TOOL_FIELDS = {
    "allowed_tools": [],
    "additional_tools": [],
    "parallel_tool_calls": False,
    "provider_tools": [{"tool": 1}],
    "tool_choice": "auto",
}


@pytest.mark.parametrize(("field", "value"), TOOL_FIELDS.items(), ids=TOOL_FIELDS)
def test_tool_mode_goes_with_no_tool_field(tmp_path, field, value):
    request = {**ONE, **TOOL_MODE, "output_schema": {}, field: value}
    assert refusal(tmp_path, request) == (400, f"Cannot pass `{field}` when using JSON mode `tool`.")


# Each mistake, in the order in which they are found; the text it is known by.
ORDER = [
    (RESERVED, "Tag name cannot start"),
    (BAD_EPISODE, "Failed to parse UUID"),
    (NO_TARGET, "Invalid inference target: Either `function_name`"),
    (TOOL_MODE, "JSON mode `tool`"),
    (BAD_INPUT, "JSON Schema validation failed"),
    (BAD_FILTER, "Unknown variant: zz"),
    (DYNAMIC, "If `internal_dynamic_variant_config`"),
    (BAD_TOOL, "Tool not found: zz"),
    (BAD_PIN, "Unknown variant: zz"),
    (AGGREGATED, "`include_aggregated_response`"),
    (FILE, "Object storage is not configured"),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[text for _, text in ORDER])
def test_the_order_of_the_checks(tmp_path, first):
    """A request with every mistake from one on is refused for that one."""
    request = dict(GOOD_INPUT)
    for mistake, _ in reversed(ORDER[first:]):
        request.update(mistake)
    assert refusal(tmp_path, request)[1].startswith(ORDER[first][1])


def test_a_function_without_variants_is_told_before_its_input_is_checked(tmp_path):
    request = {"function_name": "tensorzero::default", **TOOL_MODE, "input": {"system": {}}}
    assert refusal(tmp_path, request)[0] == 500


@pytest.mark.parametrize(
    ("request_", "counted"),
    [
        ({**ONE, **BAD_PIN}, 0),
        ({**ONE, **AGGREGATED}, 1),
        ({**ONE, **AGGREGATED, "dryrun": True}, 0),
        ({**GOOD_INPUT, **FILE}, 1),
    ],
    ids=["before", "after", "dryrun", "files"],
)
def test_requests_count_once_they_are_valid(tmp_path, request_, counted):
    kit = make(tmp_path, CONFIG, files=FILES)
    with pytest.raises(RequestError):
        run(kit.infer(**request_))
    assert [r.count.requests for r in kit.records] == [1] * counted
    assert [r.row for r in kit.records] == [None] * counted


NAMESPACES = {
    "none": ({}, "plain"),
    "its own": ({"namespace": "ns"}, "v"),
    "unknown": ({"namespace": "other"}, "plain"),
    "pinned in its namespace": ({"namespace": "ns", "variant_name": "v"}, "v"),
    "pinned plain in a namespace": ({"namespace": "ns", "variant_name": "plain"}, "plain"),
}


@pytest.mark.parametrize(("fields", "expected"), NAMESPACES.values(), ids=NAMESPACES)
def test_namespaces_choose_their_variants(tmp_path, fields, expected):
    kit = make(tmp_path, CONFIG, says(), files=FILES)
    assert run(kit.infer(function_name="s", **fields)).variant_name == expected


def test_any_v7_id_opens_an_episode(tmp_path):
    kit = make(tmp_path, CONFIG, says(), says(), files=FILES)
    episode = uuid7.new()

    async def twice():
        return [await kit.infer(function_name="plain", episode_id=episode) for _ in range(2)]

    assert [a.episode_id for a in run(twice())] == [episode, episode]
