"""How schemas, templates and messages meet."""

import pytest

from kit import chat, make, model, run, says, variant
from t0.errors import RequestError

FILES = {
    "text.j": "<{{ system_text }}{{ user_text }}{{ assistant_text }}>",
    "name.j": "<{{ name }}>",
    "static.j": "static",
    "object.json": '{"type":"object"}',
    "any.json": "{}",
}


def legacy(*roles):
    return "".join(f'{r}_template = "{r}.j"\n' for r in roles)


def new(*names, file="name.j"):
    return "".join(f'templates.{n}.path = "{file}"\n' for n in names)


LEGACY_FILES = {f"{r}.j": f"<{{{{ {r}_text }}}}>" for r in ("system", "user", "assistant")}


def schemas(*names, file="object.json"):
    return "".join(f'schemas.{n}.path = "{file}"\n' for n in names)


def sent(folder, variant_keys, input_, function_keys=""):
    """The system text and the texts of the messages that the model got."""
    config = model() + chat(variant("v", variant_keys), keys=function_keys)
    kit = make(folder, config, says(), files={**FILES, **LEGACY_FILES})
    run(kit.infer(input=input_, variant_name="v"))
    messages = kit.transport.bodies[0]["messages"]
    system = [m["content"] for m in messages if m["role"] == "system"]
    return system, [m["content"] for m in messages if m["role"] != "system"]


def says_(role, *content):
    return {"role": role, "content": list(content)}


TEXT = {"type": "text", "text": "hi"}
ARGUMENTS = {"type": "text", "arguments": {"name": "Ann"}}
NAMED = {"type": "template", "name": "t", "arguments": {"name": "Bob"}}
RAW = {"type": "raw_text", "value": "{{ name }}"}

RENDERED = {
    "nothing": ("", {}, "", [], []),
    "plain": ("", {"system": "s", "messages": [says_("user", TEXT)]}, "", ["s"], ["hi"]),
    "legacy text": (
        legacy("system", "user", "assistant"),
        {"system": "s", "messages": [says_("user", TEXT), says_("assistant", TEXT)]},
        "",
        ["<s>"],
        ["<hi>", "<hi>"],
    ),
    "legacy text in a template of its own": (
        legacy("user"),
        {"messages": [says_("user", TEXT, RAW)]},
        "",
        [],
        [[{"type": "text", "text": "<hi>"}, {"type": "text", "text": "{{ name }}"}]],
    ),
    "legacy without system": (legacy("system"), {}, "", ["<none>"], []),
    "wrapper": (
        'input_wrappers = { user = "user.j" }\n',
        {"messages": [says_("user", TEXT)]},
        "",
        [],
        ["<hi>"],
    ),
    "new text": (new("user"), {"messages": [says_("user", TEXT)]}, "", [], ["hi"]),
    "new arguments": (new("user"), {"messages": [says_("user", ARGUMENTS)]}, "", [], ["<Ann>"]),
    "new named": (new("t"), {"messages": [says_("assistant", NAMED)]}, "", [], ["<Bob>"]),
    "new system object": (new("system"), {"system": {"name": "Cy"}}, "", ["<Cy>"], []),
    "new system text": (new("system", file="static.j"), {"system": "s"}, "", ["static"], []),
    "new system missing": (new("system", file="static.j"), {}, "", ["static"], []),
    "schema arguments": (
        new("user", "system"),
        {"system": {"name": "Cy"}, "messages": [says_("user", ARGUMENTS)]},
        schemas("user", "system"),
        ["<Cy>"],
        ["<Ann>"],
    ),
    "legacy template with schema": (
        'user_template = "name.j"\n',
        {"messages": [says_("user", ARGUMENTS)]},
        schemas("user"),
        [],
        ["<Ann>"],
    ),
    "text that the schema takes": (
        new("user", file="static.j"),
        {"messages": [says_("user", TEXT)]},
        schemas("user", file="any.json"),
        [],
        ["static"],
    ),
    "raw": (legacy("user"), {"messages": [says_("user", RAW)]}, "", [], ["{{ name }}"]),
}


@pytest.mark.parametrize(("keys", "input_", "function_keys", "system", "messages"), RENDERED.values(), ids=RENDERED)
def test_what_the_model_sees(tmp_path, keys, input_, function_keys, system, messages):
    assert sent(tmp_path, keys, input_, function_keys) == (system, messages)


FAILING = {
    "undefined value": (new("user"), {"messages": [says_("user", {"type": "text", "arguments": {}})]}, 500),
    "system text in a template with variables": (new("system"), {"system": "s"}, 500),
}


@pytest.mark.parametrize(("keys", "input_", "status"), FAILING.values(), ids=FAILING)
def test_what_cannot_be_rendered_fails_the_variant(tmp_path, keys, input_, status):
    config = model() + chat(variant("v", keys))
    kit = make(tmp_path, config, files=FILES)
    with pytest.raises(RequestError) as caught:
        run(kit.infer(input=input_, variant_name="v"))
    assert (caught.value.status, kit.transport.requests) == (status, [])
    assert "undefined" in caught.value.text


@pytest.mark.parametrize(
    ("input_", "name"),
    [({"messages": [says_("user", NAMED)]}, "t"), ({"system": {}}, "system")],
    ids=["message", "system"],
)
def test_a_template_that_only_another_variant_has(tmp_path, input_, name):
    config = model() + chat(variant("v"), variant("w", new("t", "system", file="static.j")))
    kit = make(tmp_path, config, files=FILES)
    with pytest.raises(RequestError) as caught:
        run(kit.infer(input=input_, variant_name="v"))
    assert (caught.value.status, caught.value.text) == (400, f"Template `{name}` not found")
