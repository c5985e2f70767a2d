"""The depth of a request body, beside what decoding it costs."""

import json

import msgspec
import pytest

from reference import request as reference
from t0._core import request


def _body(content: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}], "temperature": 0.5}).encode()


BODIES = {
    "short": _body("Hello"),
    "prose-100kB": _body("A sentence of the prompt. " * 4_000),
    "code-100kB": _body('if x["a"] == {"b": [1]}:\n    print("hi")\n' * 2_200),
    "numbers-100kB": json.dumps({"embedding": [0.123456789] * 8_000}).encode(),
}


def _with_python(body: bytes) -> None:
    assert reference.excess(body, 127) is None


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    "check", [request.check, _with_python, msgspec.json.decode], ids=["kernel", "python", "decode"]
)
def test_check(benchmark, name, check):
    benchmark.group = f"request.check {name}"
    request.check(BODIES[name])
    with pytest.raises(ValueError):
        request.check(BODIES[name], 0)
    benchmark(check, BODIES[name])
