"""A configuration with every section, and random damage to it."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t0.config.keys import all_keys
from t0.config.load import check
from t0.config.templates import build_templates
from t0.errors import ConfigError
from t0.kinds import all_kinds

FULL = Path(__file__).parent / "full"
ENV = {
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otlp",
    "TENSORZERO_POSTGRES_URL": "postgres://p",
    "TENSORZERO_VALKEY_URL": "redis://v",
}


def test_loads() -> None:
    """All of it is valid; what remains is what has no feature behind it yet."""
    checked = check(str(FULL / "tensorzero.toml"), all_kinds(), ENV)
    assert sorted(checked.not_yet) == [
        "evaluations",
        "evaluations.triage.evaluators.queue",
        "evaluations.triage.evaluators.same",
        "functions.reply.evaluators.code",
        "functions.reply.evaluators.polite",
        "functions.reply.evaluators.tools",
        "functions.reply.experimentation",
        "functions.reply.variants.pick",
        "functions.triage.variants.fused",
        "functions.triage.variants.learned",
        "functions.triage.variants.thought",
        "gateway.auth",
        "gateway.export.otlp.traces.enabled",
        "gateway.relay.gateway_url",
        "optimizers.tuned",
        "postgres.enabled",
        "postgres.inference_data_retention_days",
        "postgres.inference_metadata_retention_days",
        "provider_types.fireworks.sft",
        "provider_types.gcp_vertex_gemini.sft",
        "provider_types.together.sft",
        "rate_limiting",
    ]


def test_templates() -> None:
    config = check(str(FULL / "tensorzero.toml"), all_kinds(), ENV).config
    templates = build_templates(config)
    assert sorted(templates.sources()) == [
        "judge.txt",
        "system.minijinja",
        "ticket.minijinja",
        "tone.minijinja",
        "user.minijinja",
    ]
    assert templates.extra_sources() == {"tone.minijinja": "Be kind.\n"}
    assert templates.render("system.minijinja", {"shop": "us"}) == "You answer mail for us.\nBe kind."


# -- damage ------------------------------------------------------------------------------------------------------------


TREE = tomli.loads((FULL / "tensorzero.toml").read_text())
WORDS = sorted({part for key in all_keys(all_kinds()) for part in key.path.replace("[", ".").split(".")} | {"", "a::b"})
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.sampled_from([*WORDS, "none", "env::X", "tensorzero::x", "prompts/any.json", "prompts", "\0", "writer"])
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key in it."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from places(value)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    for name in ("prompts", "shared"):
        (folder / name).symlink_to(FULL / name, target_is_directory=True)
    return folder / "tensorzero.toml"


def refuses_or_accepts(path: Path, text: str) -> None:
    path.write_text(text)
    with suppress(ConfigError):
        check(str(path), all_kinds(), ENV)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_damage_gives_our_error(broken: Path, data: st.DataObject) -> None:
    tree = copy.deepcopy(TREE)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(tree))))
        match data.draw(st.sampled_from(["replace", "drop", "rename", "add"])):
            case "replace":
                container[key] = data.draw(VALUES)
            case "drop":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[data.draw(st.sampled_from(WORDS))] = container.pop(key)
            case _ if isinstance(container, dict):
                container[data.draw(st.sampled_from(WORDS))] = data.draw(VALUES)
            case _:
                container.append(data.draw(VALUES))
    refuses_or_accepts(broken, tomli_w.dumps(tree))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5))
def test_random_trees_give_our_error(broken: Path, tree: dict[str, Any]) -> None:
    refuses_or_accepts(broken, tomli_w.dumps(tree))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.text(st.sampled_from("ab.=[]{}\"'\\\n#,:0x1T-+_ \té€"), max_size=40))
def test_random_text_gives_our_error(broken: Path, text: str) -> None:
    refuses_or_accepts(broken, text)
