import pytest

from t0.templates.syntax import Tag, Text, parse, string_value


def shown(source: str) -> list[str]:
    """Text quoted, tags as their tokens."""
    return [
        repr(p.text) if isinstance(p, Text) else f"{p.kind}: {' '.join(t.text for t in p.tokens)}"
        for p in parse(source)
    ]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("", []),
        ("plain { text } # %", ["'plain { text } # %'"]),
        ("{{ a.b }}", ["variable: a . b"]),
        ("x {{- a -}} y", ["'x'", "variable: a", "'y'"]),
        ("x {{+ a +}} y", ["'x '", "variable: a", "' y'"]),
        ("{% if a %}b{% endif %}", ["block: if a", "'b'", "block: endif"]),
        ("a {#- b -#} c", ["'a'", "'c'"]),
        ("a {#-#} c", ["'a'", "' c'"]),
        ("{% raw -%} {{ x }} {%- endraw %} y", ["'{{ x }}'", "' y'"]),
        ("{%- raw +%}{%{% endraw -%} y", ["'{%'", "'y'"]),
        ("{{ {'a': {'b': 1}} }}", ["variable: { 'a' : { 'b' : 1 } }"]),
        ('{{ \'}}\' ~ "\\"%}" }}', ['variable: \'}}\' ~ "\\"%}"']),
        ("{{ 1_000 + 0xFF // 1.5e-3 ** 2e5 - a.0.b }}", ["variable: 1_000 + 0xFF // 1.5e-3 ** 2e5 - a . 0 . b"]),
        ("a\n", ["'a'"]),
        ("a\r\n", ["'a'"]),
        ("a\n\n", [r"'a\n'"]),
        ("\x1c {{- a }}", [r"'\x1c'", "variable: a"]),
    ],
)
def test_parts_of_a_template(source, parts):
    assert shown(source) == parts


def test_offsets_are_those_of_the_source():
    source = "é {{ ab }}\n{%- set x = 'y' %}"
    tags = [part for part in parse(source) if isinstance(part, Tag)]
    assert [source[t.start : t.end] for t in tags] == ["{{ ab }}", "{%- set x = 'y' %}"]
    assert [source[t.start : t.end] for tag in tags for t in tag.tokens] == ["ab", "set", "x", "=", "'y'"]


@pytest.mark.parametrize("source", ["{{ ~~ ? }}", "{# open", "{% raw %}", "{{ 'open", "{{ a"])
def test_what_the_engine_would_refuse(source):
    with pytest.raises(ValueError, match="at offset"):
        list(parse(source))


def test_string_values():
    (tag,) = parse(r"""{{ 'a\n' "b\u00e9" '\x41\'' }}""")
    assert isinstance(tag, Tag)
    assert string_value(tag.tokens) == "a\nbéA'"
