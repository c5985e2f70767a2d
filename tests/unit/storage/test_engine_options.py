"""How much of a machine the embedded store takes."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from t0.errors import ConfigError
from t0.storage.store.engine import Engine, engine_options, load_chdb

GIB = 1024**3


@pytest.mark.parametrize(
    ("memory_bytes", "cpus", "budget", "threads"),
    [(2 * GIB, 1, GIB, 1), (8 * GIB, 2, 2 * GIB, 2), (64 * GIB, 32, 4 * GIB, 4)],
    ids=["tiny", "laptop", "server"],
)
def test_the_store_stays_small(memory_bytes: int, cpus: int, budget: int, threads: int) -> None:
    assert engine_options(memory_bytes, cpus) == {
        "max_server_memory_usage": budget,
        "mark_cache_size": budget // 16,
        "primary_index_cache_size": budget // 16,
        "index_mark_cache_size": budget // 32,
        "background_pool_size": max(2, threads),
        "max_threads": threads,
    }


def test_without_chdb_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_chdb(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "chdb":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", no_chdb)
    with pytest.raises(ConfigError) as error:
        load_chdb()
    assert str(error.value) == (
        "The embedded store needs chDB: `pip install 't0-gateway[embedded]'`, "
        "or set TENSORZERO_CLICKHOUSE_URL to use a ClickHouse server"
    )


@pytest.mark.parametrize("name", ["a?b", "a&b"])
def test_a_path_that_would_end_in_the_options_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="must not contain"):
        Engine(tmp_path / name / "data")
    assert list(tmp_path.iterdir()) == []
