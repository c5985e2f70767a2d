"""The page about the cache: its configuration loads, its request is understood, its numbers are those of the code."""

import re
from pathlib import Path

from t0.config.load import load
from t0.config.schema.gateway import InferenceCache, ValkeyCache
from t0.kinds import all_kinds
from t0.models.cache import LOCAL_LIFE_S, LOOKUP_LIMIT_S
from t0.routes import native
from t0.types.inference import CacheOptions

PAGE = (Path(__file__).parents[3] / "docs" / "caching.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "tensorzero.toml").write_text(block("toml"))
    config = load(str(tmp_path / "tensorzero.toml"), all_kinds(), {})
    assert config.gateway.cache == InferenceCache(enabled=True, backend="valkey", valkey=ValkeyCache(ttl_s=3600))


def test_the_request() -> None:
    (body,) = re.findall(r"-d '(.*?)'", block("bash"), re.DOTALL)
    assert native.parse(body.encode()).cache_options == CacheOptions(enabled="on", max_age_s=3600)


def test_the_numbers() -> None:
    assert f"waits at most {LOOKUP_LIMIT_S:g} s" in PAGE
    assert f"32 MiB of entries for {LOCAL_LIFE_S:g} seconds" in PAGE
