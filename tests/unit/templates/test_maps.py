import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t0.errors import TemplateError
from t0.templates import Environment
from t0.templates.maps import HAS_STRING_KEYS, SORT, with_sorted_maps


def at_run_time(text: str) -> str:
    return f"({SORT}({text}) if {text} is {HAS_STRING_KEYS} else {text})"


@pytest.mark.parametrize(
    ("source", "sorted_source"),
    [
        ("{{ {} }}", "{{ {} }}"),
        ("{{ {'a': 1} }}", "{{ {'a': 1} }}"),
        ("{{ {a: 1} }}", "{{ {a: 1} }}"),
        ("{{ {'b': 1, 'a': 2} }}", "{{ {'a': 2, 'b': 1} }}"),
        (
            "{{ {'b': {'d': 1, 'c': x}, 'a': [{'f': 1, 'e': 2}]} }}",
            "{{ {'a': [{'e': 2, 'f': 1}], 'b': {'c': x, 'd': 1}} }}",
        ),
        ("{{ {\n 'b': 1,\n\n 'a': 2,\n} }}", "{{ {\n 'a': 2,\n\n 'b': 1,\n} }}"),
        ("{{ {'x': 1, 2.5: 1, -1: 1, true: 1, none: 1} }}", "{{ {none: 1, true: 1, -1: 1, 2.5: 1, 'x': 1} }}"),
        ("{{ {'\\u0062': 1, 'a': 2} }}", "{{ {'a': 2, '\\u0062': 1} }}"),
        ("{% set x = {b: 1, 'a': 2} %}", "{% set x = " + at_run_time("{b: 1, 'a': 2}") + " %}"),
        ("{{ dict(b=1, a=2) }}", "{{ " + at_run_time("dict(b=1, a=2)") + " }}"),
        ("{{ x.dict(b=1) }}{{ x|dict(b=1) }}{{ dict }}", "{{ x.dict(b=1) }}{{ x|dict(b=1) }}{{ dict }}"),
        ("{% macro dict(a) %}{% endmacro %}{{ dict(1) }}", "{% macro dict(a) %}{% endmacro %}{{ dict(1) }}"),
        ("{'b': 1, 'a': 2} {# {'b': 1, 'a': 2} #}{% raw %}{{ {'b': 1, 'a': 2} }}{% endraw %}",) * 2,
        ("{{ a[{'b': 1, 'a': 2}] if {'d': 1, 'c': 2} }}", "{{ a[{'a': 2, 'b': 1}] if {'c': 2, 'd': 1} }}"),
    ],
)
def test_maps_are_written_in_order(source, sorted_source):
    assert with_sorted_maps(source) == sorted_source


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ {'b': 1, 'a': 2}|items|list }}", '[["a", 2], ["b", 1]]'),
        ("{% for k in {x: 1, y: 2} %}{{ k }}{% endfor %}", "az"),
        ("{{ {x: 1, y: missing}|tojson }}", '{"a":null,"z":1}'),
        ("{{ {2: 'b', 1: 'a', 'x': 3} }}", '{1: "a", 2: "b", "x": 3}'),
        ("{{ dict({'z': 1}, a=2) }}", '{"a": 2, "z": 1}'),
        ("{{ dict({n: 1}) }} {{ dict() }}", "{3: 1} {}"),
        ("{% macro m() %}{{ {x: 1, y: 2} }}{% endmacro %}{{ m() }}", '{"a": 2, "z": 1}'),
        ("{% set namespace = 1 %}{{ {x: 1, y: 2} }}", '{"a": 2, "z": 1}'),
        ("{{ {x: 1, y: 2}.a }} {{ {x: 1, y: 2} == {'a': 2, 'z': 1} }}", "2 true"),
        ("{{ {'a': 1, 'a': 2} }}", '{"a": 2}'),
        ("{{ {0x10: 1, 1_0: 2, 007: 3, 1_1.5: 4} }}", "{7: 3, 10: 2, 11.5: 4, 16: 1}"),
    ],
)
def test_maps_print_in_order(source, text):
    environment = Environment()
    environment.add("t", source)
    assert environment.render("t", {"x": "z", "y": "a", "n": 3, "namespace": "shadow"}) == text


def test_an_error_inside_a_map_keeps_its_line():
    environment = Environment()
    environment.add("t", "{{ {\n'b': 1,\n'a': 2,\n'c': missing ~ ''\n} }}")
    with pytest.raises(TemplateError, match=r"undefined value \(in t:4\)"):
        environment.render("t", {})


keys = st.text(st.sampled_from("abAä'\"\\\n{}"), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, st.integers(0, 9), max_size=5), st.randoms())
def test_any_literal_prints_in_order(value, random):
    entries = [f"'{_escaped(key)}': {number}" for key, number in value.items()]
    random.shuffle(entries)
    environment = Environment()
    environment.add("literal", "{{ {" + ", ".join(entries) + "} }}")
    environment.add("argument", "{% if true %}{{ x }}{% endif %}")
    assert environment.render("literal", {}) == environment.render("argument", {"x": value})


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("'", "\\'")
