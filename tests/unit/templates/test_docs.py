"""The examples of docs/templates.md come out as the page says."""

import json
import re
from pathlib import Path

import pytest

from t0.errors import TemplateError
from t0.templates import Environment

PAGE = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()
EXAMPLES = re.findall(r"```jinja\n(.*?)```\n```json\n(.*?)```\n```(text|error)\n(.*?)```", PAGE, re.DOTALL)


def test_every_template_of_the_page_is_an_example():
    assert len(EXAMPLES) == PAGE.count("```jinja") == 6


@pytest.mark.parametrize(
    ("source", "arguments", "kind", "expected"), EXAMPLES, ids=[e[0].split("\n")[0] for e in EXAMPLES]
)
def test_example(source, arguments, kind, expected):
    environment = Environment()
    environment.add("t.minijinja", source)
    try:
        got = "text", environment.render("t.minijinja", json.loads(arguments))
    except TemplateError as error:
        got = "error", error.text
    assert got == (kind, expected.removesuffix("\n"))


@pytest.mark.parametrize(("heading", "template"), [("Filters", "{{{{ 1|{} }}}}"), ("Functions", "{{{{ {}() }}}}")])
def test_the_built_ins_of_the_page_exist(heading, template):
    names = re.findall(r"`(\w+)`", PAGE.split(f"\n{heading}: ")[1].split("\n\n")[0])
    assert names
    assert [name for name in names if is_unknown(template.format(name))] == []


def is_unknown(source: str) -> bool:
    environment = Environment()
    environment.add("t", source)
    try:
        environment.render("t", {})
    except TemplateError as error:
        return "is unknown" in error.text
    return False
