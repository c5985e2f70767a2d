"""The compiled subset and the argument literals against the engine, which is the judge."""

import json

from hypothesis import event, given, settings
from hypothesis import strategies as st

from t0._core.template import set_statements
from t0.errors import ConfigError, TemplateError
from t0.templates import Environment
from t0.templates.subset import compile_program

NAMES = ["a", "b", "name", "if", "x_1"]

texts = st.text(st.sampled_from(" \t\n\r\x1c\x85\xa0\u2003{}%#-+ab'\"\\é"), max_size=6)
strings = st.text(max_size=8) | st.text(st.characters(min_codepoint=0, max_codepoint=0x2FF), max_size=8)
integers = st.integers(-(2**63), 2**64 - 1) | st.integers(-(10**30), 10**30)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | strings
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | strings, inner, max_size=4),
    max_leaves=12,
)
arguments = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)

accesses = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f".{name}"),
    st.sampled_from(NAMES).map(lambda name: f" [ '{name}' ]"),
    st.integers(0, 3).map(lambda i: f".{i}"),
    st.integers(-3, 3).map(lambda i: f"[{i}]"),
)
lookups = st.builds(lambda name, path: name + "".join(path), st.sampled_from(NAMES), st.lists(accesses, max_size=3))
marks = st.sampled_from(["", "", "-", "+"])
variables = st.builds(
    "{{{{{} {} {}}}}}".format, marks, lookups | st.sampled_from(["'it'", '"{{"', "'a' 'b'", "1", "none"]), marks
)
comments = st.builds("{{#{}{}{}#}}".format, marks, st.sampled_from(["", " c ", "{{ x }}", "-"]), marks)
raws = st.builds(
    "{{%{} raw {}%}}{}{{%{} endraw {}%}}".format, marks, marks, texts | st.just(" {{ x }} {% if %} "), marks, marks
)
plain = st.lists(texts | variables | comments | raws, max_size=4).map("".join)
endings = st.sampled_from(["", "", "", "", " if a", " recursive"])


def blocks(paths, loop_names, endings):
    """Extends templates by loops over paths and conditions on them."""
    conditions = st.builds("{}{}".format, st.sampled_from(["", "", "not ", "not not "]), paths)

    def around(inner):
        starts = st.builds("{{%{} for {} in {}{} {}%}}".format, marks, loop_names, paths, endings, marks)
        loops = st.builds("{}{}{{%{} endfor {}%}}".format, starts, inner, marks, marks)
        others = st.lists(st.builds("{{% elif {} -%}}{}".format, conditions, inner), max_size=2).map("".join)
        lasts = st.just("") | inner.map("{{% else %}}{}".format)
        ends = st.sampled_from(["{% endif %}", "{%- endif -%}"])
        choices = st.builds("{{%{} if {} {}%}}{}{}{}{}".format, marks, conditions, marks, inner, others, lasts, ends)
        return st.lists(loops | choices | inner, min_size=1, max_size=3).map("".join)

    return around


templates = st.recursive(
    plain, blocks(lookups, st.sampled_from([*NAMES, "item", "loop", "self", "a, b"]), endings), max_leaves=5
)

TEAMS = {
    "teams": [
        {"name": "red", "people": ["Ann", "Bob"], "open": True, "points": 0},
        {"name": "", "people": [], "open": False, "points": 1.5},
        {"name": "blue", "people": [None, {"x": [0]}, -0.0], "open": None, "points": 2**70},
    ],
    "name": "all",
    "none": None,
}
known = st.sampled_from(
    ["teams", "teams", "name", "t", "t", "t.people", "t.people", "t.name", "t.open", "t.points", "p", "p.x", "loop"]
)
printed = st.builds("{{{{{} {} {}}}}}".format, marks, known, marks)
team_templates = st.recursive(
    st.lists(st.sampled_from([" \n", "-", " x "]) | printed, max_size=3).map("".join),
    blocks(known, st.sampled_from(["t", "t", "p", "p", "name"]), st.just("")),
    max_leaves=6,
)


def rendered(environment: Environment, key: str, values: dict) -> str | None:
    try:
        return environment.render(key, values)
    except TemplateError:
        return None


@settings(max_examples=300, deadline=None)
@given(templates, arguments)
def test_a_program_prints_what_the_engine_prints_or_leaves_it_to_the_engine(source, values):
    # The first tag keeps the source away from the subset.
    environment = Environment()
    try:
        environment.add("t", "{% if true %}{% endif %}" + source)
    except ConfigError:
        return
    program = compile_program(source)
    event(f"compiled: {program is not None}")
    text = program.render(values) if program else None
    assert text is None or text == rendered(environment, "t", values)


@settings(max_examples=500, deadline=None)
@given(team_templates)
def test_loops_and_conditions_print_what_the_engine_prints(source):
    environment = Environment()
    environment.add("t", "{% if true %}{% endif %}" + source)
    program = compile_program(source)
    text = program.render(TEAMS) if program else None
    event(f"rendered: {text is not None}")
    assert text is None or text == rendered(environment, "t", TEAMS)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(" \n\r\t\x0b\xa0a{}%#"), max_size=12))
def test_text_without_tags_is_compiled_and_printed_as_the_engine_prints_it(source):
    environment = Environment()
    try:
        environment.add("t", "{% if true %}{% endif %}" + source)
    except ConfigError:
        return
    program = compile_program(source)
    assert program is None or program.render({}) == environment.render("t", {})


@settings(max_examples=300, deadline=None)
@given(values)
def test_the_engine_receives_the_argument_itself(value):
    environment = Environment()
    environment.add("t", "{{ x|tojson }}")
    assert json.loads(environment.render("t", {"x": value})) == within_64_bits(value)


def within_64_bits(value):
    """The value as JSON parsers with 64 bit integers hold it."""
    if isinstance(value, dict):
        return {key: within_64_bits(v) for key, v in value.items()}
    if isinstance(value, list):
        return [within_64_bits(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), values)
def test_no_argument_name_breaks_the_literals(name, value):
    environment = Environment()
    environment.add("t", "{% if true %}ok{% endif %}")
    assert environment.render("t", {name: value}) == "ok"


@settings(max_examples=50, deadline=None)
@given(values, st.text(min_size=1), st.integers(1400, 1600))
def test_long_strings_arrive_whole(value, text, length):
    value = {"value": value, "long": (text * length)[:length], "deep": [{text * length: text * length}]}
    environment = Environment()
    environment.add("t", "{{ x|tojson }}")
    assert json.loads(environment.render("t", {"x": value})) == within_64_bits(value)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 120), scalars)
def test_deep_arguments_arrive_whole(depth, leaf):
    value = leaf
    for i in range(depth):
        value = [value] if i % 2 else {"a": value}
    environment = Environment()
    environment.add("t", "{{ x|tojson }}")
    assert json.loads(environment.render("t", {"x": value})) == within_64_bits(value)
    assert set_statements({"x": value}, [], "").count("{% set ") == (depth - 1) // 32 + 1
