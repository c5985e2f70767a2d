"""Every recorded template gives the recorded text, error or refusal to start."""

import json
from pathlib import Path

import pytest

from t0.errors import ConfigError, TemplateError
from t0.templates import Environment

CASES = json.loads((Path(__file__).parents[2] / "golden" / "templates.json").read_text())


def outcome(case: dict, folder: Path) -> dict:
    name = case.get("file", "t.minijinja")
    for file, text in case.get("files", {}).items():
        (folder / file).write_text(text)
    environment = Environment(folder if case.get("files") else None)
    try:
        environment.add(name, case["template"])
        environment.load_dependencies()
    except ConfigError as error:
        return {"start_error": str(error).removeprefix(f"Error rendering template {name}: ")}
    try:
        return {"rendered": environment.render(name, case["variables"])}
    except TemplateError as error:
        return {"error": error.text}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_recorded_template(case, tmp_path):
    expected = {key: case[key] for key in ("rendered", "error", "start_error") if key in case}
    assert outcome(case, tmp_path) == expected


@pytest.mark.parametrize(
    "case", [c for c in CASES if "rendered" in c], ids=[c["name"] for c in CASES if "rendered" in c]
)
def test_recorded_template_rendered_twice_and_beside_others(case, tmp_path):
    """What one rendering sets is not there in the next."""
    for file, text in case.get("files", {}).items():
        (tmp_path / file).write_text(text)
    environment = Environment(tmp_path if case.get("files") else None)
    name = case.get("file", "t.minijinja")
    environment.add("other.minijinja", "{% set leak = {user: 1, name: 2} %}{{ leak }}")
    environment.add(name, case["template"])
    environment.load_dependencies()
    for _ in range(2):
        assert environment.render("other.minijinja", {"user": "z", "name": "a"}) == '{"a": 2, "z": 1}'
        assert environment.render(name, case["variables"]) == case["rendered"]
