"""The stored form of a configuration."""

from pathlib import Path

import pytest
import tomli
from blake3 import blake3

from t0.config.snapshot import snapshot
from unit.config.build import CHAT, MODEL, variant_keys
from unit.config.conftest import Read


def test_canonical_form(read: Read) -> None:
    toml = '[metrics.z]\ntype = "float"\noptimize = "max"\nlevel = "episode"\n' + variant_keys('user_template = "ok.j"')
    assert snapshot(read(toml).config, {}).toml == (
        "[functions.f]\n"
        'type = "chat"\n'
        "\n"
        "[functions.f.variants.v]\n"
        'model = "m"\n'
        'type = "chat_completion"\n'
        "\n"
        "[functions.f.variants.v.user_template]\n"
        '__data = "{{ user_text }}"\n'
        '__tensorzero_remapped_path = "ok.j"\n'
        "\n"
        "[metrics.z]\n"
        'level = "episode"\n'
        'optimize = "max"\n'
        'type = "float"\n'
        "\n"
        "[models.m]\n"
        "routing = [\n"
        '    "p",\n'
        "]\n"
        "\n"
        "[models.m.providers.p]\n"
        'api_key_location = "none"\n'
        'model_name = "x"\n'
        'type = "openai"\n'
    )


def test_hash(read: Read) -> None:
    made = snapshot(read(MODEL).config, {"b": "2", "a": "1"})
    digest = blake3(made.toml.encode() + b"\0" + b"a\x001\0" + b"b\x002\0").digest()
    assert made.hash == str(int.from_bytes(digest, "big"))
    assert list(made.extra_templates) == ["a", "b"]


def test_the_order_of_keys_and_files_does_not_matter(read: Read) -> None:
    turned = '[functions.f.variants.v]\nmodel = "m"\ntype = "chat_completion"\n[functions.f]\ntype = "chat"\n' + MODEL
    assert snapshot(read(turned).config, {}).hash == snapshot(read(CHAT).config, {}).hash


@pytest.mark.parametrize("other", ["", "# a comment\n"])
def test_comments_do_not_matter_but_values_do(other: str, read: Read) -> None:
    assert snapshot(read(MODEL).config, {}).hash == snapshot(read(other + MODEL).config, {}).hash
    assert snapshot(read(MODEL).config, {}).hash != snapshot(read(MODEL.replace('"x"', '"y"')).config, {}).hash


def test_an_edited_template_is_another_configuration(folder: Path, read: Read) -> None:
    toml = variant_keys('user_template = "ok.j"')
    before = snapshot(read(toml).config, {}).hash
    (folder / "ok.j").write_text("Hi {{ user_text }}")
    assert snapshot(read(toml).config, {}).hash != before


def test_literal_secrets_are_masked(read: Read) -> None:
    toml = """
[provider_types.together.sft]
wandb_api_key = "secret-1"
hf_api_token = "secret-2"
wandb_project_name = "p"
[gateway.export.otlp.traces.extra_headers]
Authorization = "secret-3"
"""
    made = snapshot(read(toml).config, {})
    assert "secret" not in made.toml
    assert tomli.loads(made.toml) == {
        "gateway": {"export": {"otlp": {"traces": {"extra_headers": {"Authorization": "•••"}}}}},
        "provider_types": {
            "together": {"sft": {"hf_api_token": "•••", "wandb_api_key": "•••", "wandb_project_name": "p"}}
        },
    }


def test_locations_of_credentials_are_kept(read: Read) -> None:
    made = snapshot(read(MODEL.replace('"none"', '"env::SOME_KEY"'), {"SOME_KEY": "sk-1"}).config, {})
    assert "env::SOME_KEY" in made.toml
    assert "sk-1" not in made.toml


def test_the_empty_configuration(read: Read) -> None:
    assert snapshot(read("").config, {}).toml == ""
