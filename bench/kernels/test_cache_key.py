"""The key of a model call: its canonical bytes, beside JSON with sorted keys (which tells fewer values apart)."""

import json

import blake3
import msgspec
import pytest

from reference import cache_key as reference
from t0._core import cache_key

MESSAGE = {"role": "user", "content": [{"type": "text", "text": "What is the capital of France? " * 8}]}
CALL = {
    "model": "gpt-4o-mini",
    "provider": "openai",
    "system": "You answer in one word.",
    "messages": [MESSAGE] * 4,
    "temperature": 0.5,
    "max_tokens": 100,
    "stop": None,
    "stream": False,
    "tools": [],
}
MATERIAL = cache_key.material(CALL)


def _sorted_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _sorted_msgspec(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _blake3(material: bytes) -> str:
    return blake3.blake3(material).hexdigest()


@pytest.mark.benchmark(group="cache_key.material")
@pytest.mark.parametrize(
    "material",
    [cache_key.material, reference.material, _sorted_json, _sorted_msgspec],
    ids=["kernel", "python", "json", "msgspec"],
)
def test_material(benchmark, material):
    reordered = dict(reversed(CALL.items()))
    assert benchmark(material, CALL) == material(reordered)


@pytest.mark.benchmark(group="cache_key.digest")
@pytest.mark.parametrize("digest", [cache_key.digest, _blake3], ids=["kernel", "blake3"])
def test_digest(benchmark, digest):
    assert len(benchmark(digest, MATERIAL)) == 64
