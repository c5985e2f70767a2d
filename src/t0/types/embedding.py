"""One call of one embedding model: what goes in and what comes out, the same for every provider."""

from typing import Any, Literal

from msgspec import Raw, Struct

from t0.types.model import Usage

EmbeddingInput = str | list[str] | list[int] | list[list[int]]
"""A text, several texts, the tokens of one, or the tokens of several."""


class EmbeddingRequest(Struct, kw_only=True):
    """A provider-independent embedding call. `dimensions` is None where the model's own number is wanted."""

    input: EmbeddingInput
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def count(self) -> int:
        """How many embeddings are asked for."""
        given = self.input
        return 1 if isinstance(given, str) or (given and isinstance(given[0], int)) else len(given)


class EmbeddingResponse(Struct, kw_only=True):
    """The embeddings in the order of the inputs, each as the provider wrote it: a JSON array, or base64 as a string."""

    embeddings: list[Raw]
    usage: Usage
    raw_usage: Any = None
