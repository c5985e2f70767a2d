import pytest

from t0._core.template import Program, set_statements
from t0.templates.subset import compile_program

ARGUMENTS = {
    "name": "Ann",
    "n": 3,
    "f": 1e21,
    "yes": True,
    "no": False,
    "none": None,
    "list": ["a\n", 1.0, [1e-7, -0.0], None],
    "map": {"b": {"k": False}, "a": 'q"\\'},
    "team": {"people": [{"name": "Ann", "admin": True}, {"name": "Bob", "admin": False}]},
    "big": 2**64,
    "zero": 0.0,
    "empty": "",
    "rows": [[1, 2], [], [3]],
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("Hello {{ name }}, {{ n }}!\n", "Hello Ann, 3!"),
        ("{{ yes }} {{ no }} {{ f }}", "true false 1000000000000000000000.0"),
        ("{{ list }}", '["a\\n", 1.0, [1e-7, -0.0], none]'),
        ("{{ map }}", '{"a": "q\\"\\\\", "b": {"k": false}}'),
        ("{{ map.b.k }} {{ map['b'] [\"k\"] }}", "false false"),
        ("{{ list.1 }} {{ list[-1] }} {{ list[2][0] }}", "1.0 none 0.0000001"),
        ("{% for x in team.people %}{{ x.name }}{% if x.admin %}*{% endif %}, {% endfor %}", "Ann*, Bob, "),
        ("{% for a in rows %}{% for b in a %}{{ b }}{{ name }};{% endfor %}\n{% endfor %}", "1Ann;2Ann;\n\n3Ann;\n"),
        ("{% for name in list %}{{ name }} {% endfor -%}  {{ name }}", "a\n 1.0 [1e-7, -0.0] none Ann"),
        ("{% if not yes %}1{% elif empty %}2{% elif not zero %}3{% else %}4{% endif %}", "3"),
        ("{% if rows[1] %}1{% elif no %}2{% else %}4{% endif %}{% if empty %}5{% endif %}", "4"),
        ("a {#- comment #} b {{- '{{' }}{% raw %} {{ name }} {% endraw %}", "a b{{ {{ name }} "),
    ],
)
def test_the_subset_is_compiled(source, text):
    program = compile_program(source)
    assert program is not None
    assert program.render(ARGUMENTS) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ missing }}",
        "{{ map.missing }}",
        "{{ name.x }}",
        "{{ name[0] }}",
        "{{ list[4] }}",
        "{{ list[-5] }}",
        "{{ list['0'] }}",
        "{{ map[0] }}",
        "{{ n.x }}",
        "{{ big }}",
        "{% for x in map %}{% endfor %}",
        "{% for x in name %}{% endfor %}",
        "{% for x in missing %}{% endfor %}",
        "{% for x in list %}{{ x.y }}{% endfor %}",
        "{% for x in list %}{% endfor %}{{ x }}",
        "{% if missing %}{% endif %}",
        "{% if map.x %}{% else %}{% endif %}",
    ],
)
def test_what_is_missing_or_odd_is_left_to_the_engine(source):
    program = compile_program(source)
    assert program is not None
    assert program.render(ARGUMENTS) is None


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 }}",
        "{{ none }}",
        "{{ a|upper }}",
        "{{ not a }}",
        "{{ a + 1 }}",
        "{{ f() }}",
        "{% set a = 1 %}",
        "{% block a %}{% endblock %}",
        "{% if true %}{% endif %}",
        "{% if a == 1 %}{% endif %}",
        "{% if a and b %}{% endif %}",
        "{% if not not a %}{% endif %}",
        "{% if a %}{% include 'x' %}{% endif %}",
        "{% for a, b in c %}{% endfor %}",
        "{% for a in b if a %}{% endfor %}",
        "{% for a in b|sort %}{% endfor %}",
        "{% for a in [1, 2] %}{% endfor %}",
        "{% for a in b recursive %}{% endfor %}",
        "{% for a in b %}{{ loop.index }}{% endfor %}",
        "{% for a in b %}{% if loop.last %}{% endif %}{% endfor %}",
        "{% for a in b %}{% else %}{% endfor %}",
        "{% for a in b %}{% break %}{% endfor %}",
    ],
)
def test_what_is_not_in_the_subset_is_not_compiled(source):
    assert compile_program(source) is None


@pytest.mark.parametrize("value", ["\u0301", "中", "\u2028"])
def test_strings_inside_containers_that_need_unicode_tables_are_left_to_the_engine(value):
    program = Program((("x",),))
    assert program.render({"x": value}) == value
    assert program.render({"x": [value]}) is None
    assert program.render({"x": {value: 1}}) is None


def test_arguments_are_written_as_literals():
    assert (
        set_statements(
            {"b": {"z": [1, -2.5, 'say "\\"\n'], "a": None}, "a": True, "not an identifier": 1, "loop": 2, "é": 3},
            [],
            "",
        )
        == '{% set b = {"a":none,"z":[1,-2.5,"say \\"\\\\\\"\n",],} %}{% set a = true %}'
    )


def test_integers_beyond_64_bits_are_floats():
    assert set_statements({"a": 2**64 - 1, "b": 2**64, "c": -(2**63), "d": -(2**63) - 1}, [], "") == (
        "{% set a = 18446744073709551615 %}{% set b = 1.8446744073709552e+19 %}"
        "{% set c = -9223372036854775808 %}{% set d = -9.223372036854776e+18 %}"
    )


@pytest.mark.parametrize("value", [b"x", object, float("inf"), float("nan")], ids=repr)
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="a template argument must be a JSON value, found"):
        set_statements({"x": [value]}, [], "")


def test_arguments_are_a_dict():
    with pytest.raises(TypeError):
        Program((("x",),)).render([])
    with pytest.raises(TypeError):
        set_statements(None, [], "")


def test_long_strings_are_fetched():
    texts = ["before"]
    statements = set_statements({"a": ["s" * 1500, "l" * 1501], "b": "m" * 2000}, texts, "fetch(7)")
    assert statements == '{% set a = ["' + "s" * 1500 + '",1|fetch(7),] %}{% set b = 2|fetch(7) %}'
    assert texts == ["before", "l" * 1501, "m" * 2000]
