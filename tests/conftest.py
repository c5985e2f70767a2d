"""Fixtures shared by all tests. Whatever they start listens on 127.0.0.1 and is gone when they end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from processes import Gateway, MockProvider

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """The recorded cases and the tools that replay them."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def provider() -> Iterator[MockProvider]:
    """A model provider that says what the test tells it to."""
    mock = MockProvider()
    yield mock
    mock.close()


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways with their folders below `tmp_path`; takes the arguments of `processes.Gateway` but the first."""
    with ExitStack() as running:

        def start(config: str | None, *, name: str = "gateway", **options: object) -> Gateway:
            return running.enter_context(Gateway(tmp_path / name, config, **options))

        yield start
