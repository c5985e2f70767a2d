"""The recorded start-up verdicts of the reference: what loads, and what an error must name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from t0.config.credentials import CredentialStore
from t0.config.load import check
from t0.errors import ConfigError, RequestError
from t0.kinds import all_kinds
from t0.providers.cost import CostRules
from t0.providers.registry import provider_class

CASES = Path(__file__).parents[2] / "golden" / "cases" / "config"


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.json")):
        yield pytest.param(json.loads(path.read_text()), id=path.stem)


@pytest.mark.parametrize("case", list(cases()))
def test_start(case: dict[str, Any], tmp_path: Path) -> None:
    glob = write(case, tmp_path)
    if case["start"].get("ok"):
        start(glob, case["env"])
        return
    with pytest.raises((ConfigError, RequestError)) as caught:
        start(glob, case["env"])
    assert [name for name in case["start"]["names"] if name not in str(caught.value)] == []


def write(case: dict[str, Any], folder: Path) -> str:
    texts = {**case["files"], "tensorzero.toml": case["config"]}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{MOCK}", "http://127.0.0.1:9").replace("{DIR}", str(folder)))
    return str(folder / case.get("config_glob", "tensorzero.toml"))


def start(glob: str, env: dict[str, str]) -> None:
    """What the gateway does with a configuration before it serves; what is not supported yet counts as fine."""
    config, not_yet = check(glob, all_kinds(), env)
    if "gateway.auth" in not_yet:
        raise ConfigError(not_yet["gateway.auth"], key="gateway.auth")
    credentials = CredentialStore(env, config.provider_types.credential_locations())
    for model_name, model in config.models.items():
        for name, provider in model.providers.items():
            path = f"models.{model_name}.providers.{name}"
            if provider.cost is not None:
                CostRules.parse(provider.cost, f"{path}.cost")
            if path not in not_yet:
                provider_class(provider.type)(name, provider, credentials)
