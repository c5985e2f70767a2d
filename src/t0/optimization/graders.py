"""The graders of `openai_rft`, sent to the provider as they are written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Struct

from t0.config.decode import Decoder
from t0.config.fields import F64, Parsed
from t0.config.values import choice, expect
from t0.errors import ConfigError

_ROUGE = tuple(f"rouge{n}" for n in (1, 2, 3, 4, 5))


class Grader(Struct, frozen=True, kw_only=True, tag_field="type"):
    name: str


def _parse_grader(decoder: Decoder, value: Any, path: str) -> Grader:
    table = expect(dict, value, path, "a table")
    if "type" not in table:
        raise ConfigError("missing field `type`", key=path)
    cls = _GRADERS[choice(table["type"], tuple(_GRADERS), path)]
    grader: Grader = decoder.struct(cls, {k: v for k, v in table.items() if k != "type"}, path)
    return grader


def _parse_text_metric(decoder: Decoder, value: Any, path: str) -> str:
    """OpenAI's own spelling is `rouge_1`, the configuration's `rouge1`."""
    spelled = {name.replace("rouge", "rouge_"): name for name in _ROUGE}
    metrics = ("fuzzy_match", "bleu", "gleu", "meteor", *_ROUGE, "rouge_l", *spelled)
    name = choice(value, metrics, path)
    return spelled.get(name, name)


def _parse_range(decoder: Decoder, value: Any, path: str) -> list[float]:
    bounds: list[float] = decoder.decode(list[F64], value, path)
    if len(bounds) != 2:
        raise ConfigError(f"invalid length {len(bounds)}, expected `[low, high]`", key=path)
    return bounds


GraderTable = Annotated[Grader, Parsed(_parse_grader)]
TextMetric = Annotated[str, Parsed(_parse_text_metric)]
Range = Annotated[list[float], Parsed(_parse_range)]


class GraderMessage(Struct, frozen=True, kw_only=True):
    role: Literal["developer", "user"]
    content: str


class StringCheck(Grader, frozen=True, kw_only=True, tag="string_check"):
    operation: Literal["eq", "ne", "like", "ilike"]
    input: str
    reference: str


class TextSimilarity(Grader, frozen=True, kw_only=True, tag="text_similarity"):
    evaluation_metric: TextMetric
    input: str
    reference: str


class ScoreModel(Grader, frozen=True, kw_only=True, tag="score_model"):
    model: str
    input: list[GraderMessage]
    range: Range | None = None


class LabelModel(Grader, frozen=True, kw_only=True, tag="label_model"):
    model: str
    labels: list[str]
    passing_labels: list[str]
    input: list[GraderMessage]


class Python(Grader, frozen=True, kw_only=True, tag="python"):
    source: str
    image_tag: str | None = None


class Multi(Grader, frozen=True, kw_only=True, tag="multi"):
    calculate_output: str
    graders: dict[str, GraderTable]


_GRADERS: dict[str, type[Grader]] = {
    str(c.__struct_config__.tag): c for c in (StringCheck, TextSimilarity, ScoreModel, LabelModel, Python, Multi)
}
