"""The providers' pages: one for each, with a configuration that works."""

import re
import tomllib
from pathlib import Path

import pytest

from t0.config.credentials import CredentialStore
from t0.config.load import load
from t0.config.schema.common import ProviderConfig
from t0.kinds import all_kinds
from t0.providers.cost import CostRules
from t0.providers.registry import provider_class, provider_classes

PAGES = Path(__file__).parents[3] / "docs" / "providers"
SUPPORTED = sorted(name for name, cls in provider_classes().items() if cls.supported)

TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def examples(page: Path) -> list[str]:
    return TOML.findall(page.read_text())


def test_every_supported_type_has_a_page() -> None:
    assert sorted(p.stem for p in PAGES.glob("*.md") if p.stem != "index") == SUPPORTED


@pytest.mark.parametrize("page", ["index", *SUPPORTED])
def test_examples_load_and_their_providers_can_be_made(page: str, tmp_path: Path) -> None:
    keys = {f"{name.upper()}_API_KEY": "sk" for name in SUPPORTED}
    found = examples(PAGES / f"{page}.md")
    assert found
    for example in found:
        (tmp_path / "tensorzero.toml").write_text(example)
        config = load(str(tmp_path / "tensorzero.toml"), all_kinds(), keys)
        types = [table["type"] for m in tomllib.loads(example)["models"].values() for table in m["providers"].values()]
        assert page == "index" or page in types
        for model in config.models.values():
            for name, provider in model.providers.items():
                provider_class(provider.type)(name, provider, CredentialStore(keys))
                assert provider.cost is None or CostRules.parse(provider.cost, "cost")


@pytest.mark.parametrize("provider_type", SUPPORTED)
def test_every_key_is_described(provider_type: str) -> None:
    text = (PAGES / f"{provider_type}.md").read_text()
    own = set(provider_class(provider_type).Config.__struct_fields__) - set(ProviderConfig.__struct_fields__)
    assert {key for key in own if f"| `{key}` |" not in text} == set()


def test_shared_keys_are_described() -> None:
    text = (PAGES / "index.md").read_text()
    shared = set(ProviderConfig.__struct_fields__) - {"batch_cost"}
    assert {key for key in shared if f"`{key}`" not in text} == set()
