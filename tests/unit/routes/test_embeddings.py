"""The wire form of embedding requests."""

import json
import logging
from typing import Any

import pytest

from t0.errors import JsonRequest
from t0.inference.embed import EmbedRequest
from t0.routes.embeddings import parse
from t0.types.embedding import EmbeddingRequest
from t0.types.inference import CacheOptions

MODEL = "tensorzero::embedding_model_name::e"


def body(**fields: Any) -> bytes:
    return json.dumps({"model": MODEL, "input": "a", **fields}).encode()


def test_all_fields() -> None:
    given = body(
        input=[[1, 2], [3]],
        dimensions=3,
        encoding_format="base64",
        user="ignored",
        **{
            "tensorzero::credentials": {"k": "v"},
            "tensorzero::dryrun": True,
            "tensorzero::cache_options": {"enabled": "on", "max_age_s": 5},
            "tensorzero::include_raw_response": True,
            "tensorzero::tags": 5,
        },
    )
    assert parse(given) == EmbedRequest(
        model_name="e",
        request=EmbeddingRequest(input=[[1, 2], [3]], dimensions=3, encoding_format="base64"),
        credentials={"k": "v"},
        dryrun=True,
        cache_options=CacheOptions(enabled="on", max_age_s=5),
        include_raw_response=True,
    )


def test_nulls_and_defaults() -> None:
    given = body(dimensions=None, **{"tensorzero::dryrun": None, "tensorzero::cache_options": None})
    assert parse(given) == EmbedRequest(
        model_name="e", request=EmbeddingRequest(input="a"), cache_options=CacheOptions()
    )


def test_a_bare_model_name_is_deprecated(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "t0"):
        assert parse(body(model="openai::m")).model_name == "openai::m"
    assert [r.getMessage() for r in caplog.records] == [
        "Deprecation warning: write the embedding model `openai::m` as `tensorzero::embedding_model_name::openai::m`"
    ]


NO_INPUT = "input: data did not match any variant of untagged enum EmbeddingInput"
REFUSED = {
    "number": ({"input": 5}, NO_INPUT),
    "null": ({"input": None}, NO_INPUT),
    "mixed": ({"input": [1, "a"]}, NO_INPUT),
    "negative_token": ({"input": [-1]}, NO_INPUT),
    "boolean_token": ({"input": [True]}, NO_INPUT),
    "fraction": ({"input": [1.5]}, NO_INPUT),
    "dimensions": ({"dimensions": -1}, "dimensions: invalid value: integer `-1`, expected u32"),
    "null_credentials": ({"tensorzero::credentials": None}, "tensorzero::credentials"),
    "format": ({"encoding_format": "hex"}, "encoding_format: unknown variant `hex`"),
}


@pytest.mark.parametrize(("fields", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(JsonRequest) as caught:
        parse(body(**fields))
    assert caught.value.text.startswith(text)


def test_input_is_required() -> None:
    with pytest.raises(JsonRequest) as caught:
        parse(json.dumps({"model": MODEL}).encode())
    assert caught.value.text == "missing field `input`"
