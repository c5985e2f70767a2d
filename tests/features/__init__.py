"""What a caller can ask for, in the words of both inference routes, and what must then happen.

Each `Feature` is a row of docs/features.md, and four tests in tests/compat/test_features.py.
"""

from features.base import FACES, MODES, Feature, cells
from features.calls import parameter_features, path_features
from features.json_output import json_features
from features.messages import text_features, thought_features
from features.records import record_features
from features.tools import tool_features

FEATURES = [
    *text_features(),
    *thought_features(),
    *tool_features(),
    *json_features(),
    *parameter_features(),
    *path_features(),
    *record_features(),
]
_HEAD = """# Features

Both inference routes do the same work: `POST /inference` in TensorZero's words, `POST /openai/v1/chat/completions` in
OpenAI's. Each mark in this table is a test that makes the call and compares what the provider got and what the caller
gets back. The page is generated from those tests.

| Feature | `POST /inference` | complete | streamed | `POST /openai/v1/chat/completions` | complete | streamed |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """docs/features.md."""
    return _HEAD + "".join(f"| {' | '.join(_row(f))} |\n" for f in FEATURES)


def _row(feature: Feature) -> list[str]:
    native, openai = ([_mark(feature, face, mode) for mode in MODES] for face in FACES)
    return [feature.name, feature.native_words, *native, feature.openai_words, *openai]


def _mark(feature: Feature, face: str, mode: str) -> str:
    return "yes" if (face, mode) in cells(feature) else "–"
