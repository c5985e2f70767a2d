import pytest

from t0.templates.dependencies import loads


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("text {{ x }} {% set include = 1 %}", []),
        ("{% include 'a' %}{%- extends \"b\" -%}", [("a",), ("b",)]),
        ("{% import 'a' as m %}{% from 'b' import c as d, e %}", [("a",), ("b",)]),
        ("{% include 'a' 'b' %}", [("ab",)]),
        ("{% include '\\u0061\\n' %}", [("a\n",)]),
        ("{% include ['a', ('b', 'c'), ['d']] ignore missing %}", [("a", "b", "c", "d")]),
        ("{% include ('a') %}", [("a",)]),
        ("{% include [] %}", [()]),
        ("{% include 'a' if x['if'] else 'b' if y else ['c'] %}", [("a", "b", "c")]),
        ("{% include 'a' ignore missing without context %}{% import 'b' as c with context %}", [("a",), ("b",)]),
        ("{# {% include 'a' %} #}{% raw %}{% include 'b' %}{% endraw %}", []),
    ],
)
def test_literal_names(source, names):
    assert [load.names for load in loads(source)] == names


@pytest.mark.parametrize(
    ("source", "described"),
    [
        ("{% include x %}", "t:1:11: dynamic include - variable:\n  x"),
        ("\n\n  {% import x.y as z %}", "t:3:12: dynamic import - expression:\n  x.y"),
        ("{% from 'a' ~ 'b' import c %}", "t:1:8: dynamic from import - expression:\n  'a' ~ 'b'"),
        ("{% include ('a') ~ ('b') %}", "t:1:11: dynamic include - expression:\n  ('a') ~ ('b')"),
        ("{% include ['a', x] %}", "t:1:11: dynamic include - variable:\n  ['a', x]"),
        ("{% include ['a', 'b'][(0)] %}", "t:1:11: dynamic include - expression:\n  ['a', 'b'][(0)]"),
        ("{% extends 'a' if x %}", "t:1:11: dynamic extends - conditional without else:\n  'a' if x"),
        ("{% include 1 %}", "t:1:11: dynamic include - expression:\n  1"),
    ],
)
def test_computed_names(source, described):
    (load,) = loads(source)
    assert load.names is None
    assert load.described("t", source) == described
