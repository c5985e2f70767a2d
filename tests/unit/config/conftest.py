"""Loads configurations written by tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from t0.config.load import Checked, check
from t0.errors import ConfigError
from t0.kinds import all_kinds
from unit.config.build import FILES

Read = Callable[..., Checked]
Refusal = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that `build` refers to."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Read:
    """Checks the TOML of `tensorzero.toml`; what is not supported yet is told, not refused."""

    def read(toml: str, env: dict[str, str] | None = None) -> Checked:
        (folder / "tensorzero.toml").write_text(toml)
        return check(str(folder / "tensorzero.toml"), all_kinds(), env or {})

    return read


@pytest.fixture
def refusal(folder: Path, read: Read) -> Refusal:
    """The error text for a TOML, without its file, `{DIR}` standing for the folder."""

    def refusal(toml: str, env: dict[str, str] | None = None) -> str:
        with pytest.raises(ConfigError) as caught:
            read(toml, env)
        error = caught.value
        text = f"{error.key}: {error.message}" if error.key else error.message
        return text.replace(str(folder), "{DIR}")

    return refusal
