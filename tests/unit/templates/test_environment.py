from importlib.metadata import version
from pathlib import Path

import pytest

from t0.errors import ConfigError, TemplateError
from t0.templates import Environment

FILTERS = """
abs attr batch bool capitalize chain count d default dictsort e escape first float format groupby indent int items join
last length lines list lower map max min pprint reject rejectattr replace reverse round safe select selectattr
slice sort
split string sum title tojson trim unique upper zip
"""
TESTS = """
boolean defined divisibleby endingwith eq equalto escaped even false filter float ge greaterthan gt in int integer
iterable le lessthan lower lt mapping ne none number odd safe sameas sequence startingwith string test true
undefined upper
== != < <= > >=
"""
ABSENT_FILTERS = """
truncate wordcount wordwrap striptags urlize urlencode random center filesizeformat xmlattr forceescape pluralize
datetimeformat dateformat timeformat
"""
ABSENT_FUNCTIONS = ["lipsum", "cycler", "joiner", "now", "randrange"]


def environment(base_path: Path | None = None, **templates: str) -> Environment:
    made = Environment(base_path)
    for name, source in templates.items():
        made.add(name, source)
    made.load_dependencies()
    return made


def render(source: str, **arguments: object) -> str:
    return environment(t=source).render("t", arguments)


def failure(source: str, **arguments: object) -> str:
    with pytest.raises(TemplateError) as caught:
        environment(t=source).render("t", arguments)
    return caught.value.text.removeprefix("Error rendering template t: Could not render template: ")


def test_the_engine_is_the_reference_s():
    """2.20 already compares, and 3.0 prints and scopes `set`, in other ways."""
    assert version("minijinja") == "2.19.0"


# -- what is there and what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILTERS.split())
def test_filter_is_there(name):
    assert not is_unknown(f"{{{{ 1|{name} }}}}")


@pytest.mark.parametrize("name", TESTS.split())
def test_test_is_there(name):
    assert not is_unknown(f"{{{{ [1]|select('{name}', 1)|list }}}}")


def is_unknown(source: str) -> bool:
    try:
        render(source)
    except TemplateError as error:
        return "is unknown" in error.text
    return False


@pytest.mark.parametrize("name", ABSENT_FILTERS.split())
def test_filter_of_jinja_is_not_there(name):
    assert failure(f"{{{{ 'a'|{name} }}}}") == f"unknown filter: filter {name} is unknown (in t:1)"


@pytest.mark.parametrize("name", ABSENT_FUNCTIONS)
def test_function_of_jinja_is_not_there(name):
    assert failure(f"{{{{ {name}() }}}}") == f"unknown function: {name} is unknown (in t:1)"


@pytest.mark.parametrize("name", ["range", "dict", "namespace", "debug"])
def test_function_is_there(name):
    assert render(f"{{{{ {name} is defined }}}}") == "true"


@pytest.mark.parametrize("name", ["items", "keys", "get", "copy", "values", "pop", "null"])
def test_the_engine_adds_no_variables(name):
    assert failure(f"{{{{ {name} }}}}", other=1) == "undefined value (in t:1)"


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "arguments", "text"),
    [
        ("{{ 'a b'|split }}", {}, "<iterator>"),
        ("{{ 'a b'|split|list }}", {}, '["a", "b"]'),
        ("{{ 'a b c'|split(none, 1)|join('|') }}", {}, "a|b c"),
        ("{{ x }}", {"x": 2**64}, "18446744073709552000.0"),
        ("{{ x + 1 }}", {"x": 2**64 - 1}, "18446744073709551616"),
        ("{{ x }}", {"x": [1e21, 1e-7, 0.5, 1e16]}, "[1e21, 1e-7, 0.5, 1e16]"),
        ("{{ x }}", {"x": ["é\u0301", "'", '"\\', "\x00\x7f"]}, '["é\\u{301}", "\'", "\\"\\\\", "\\0\\u{7f}"]'),
        ("{{ x is mapping }} {{ x.a }} {{ x|length }}", {"x": {"a": 1}}, "true 1 1"),
        ("{{ x|pprint }}", {"x": ["a"]}, '[\n    "a",\n]'),
        ("{{ missing|pprint }}", {}, "undefined"),
        ("{{ 4/2 }} {{ -7//2 }} {{ 1/0 }}", {}, "2.0 -4 inf"),
        ("{{ 2.5|round }} {{ -2.5|round }}", {}, "3.0 -3.0"),
        ("{{ \"foo-bar e'f\"|title }}", {}, "Foo-Bar E'F"),
        ("{{ d|tojson(indent=2) }}", {"d": {"b": [], "a": 1}}, '{\n  "a": 1,\n  "b": []\n}'),
        ("{{ d|tojson(4) }}", {"d": [1]}, "[\n    1\n]"),
        ("{% for x in l %}{% if loop.changed(x) %}{{ x }}{% endif %}{% endfor %}", {"l": [1, 1, 2]}, "12"),
        ("{{ a == b }}", {"a": {"x": [1, None]}, "b": {"x": [1.0, None]}}, "true"),
        ("{{ m|map(attribute='k')|list }}", {"m": [{"k": {"b": 1, "a": 2}}]}, '[{"a": 2, "b": 1}]'),
        ("{{ x }}", {"x": (1, "a")}, '[1, "a"]'),
    ],
)  # fmt: skip
def test_values_print_and_behave_as_in_the_reference(source, arguments, text):
    assert render(source, **arguments) == text


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("{{ 170141183460469231731687303715884105727 + 1 }}", "invalid operation: unable to calculate"),
        ("{{ 1 % 0 }}", "invalid operation: unable to calculate 1 % 0"),
        ("{{ 2 ** -1 }}", "invalid operation"),
        ("{{ 'a' + 1 }}", "invalid operation: tried to use + operator on unsupported types string and number"),
        ("{{ missing.x|default('d') }}", "undefined value"),
        ("{% if missing %}{% endif %}", "undefined value"),
        ("{{ missing or 1 }}", "undefined value"),
        ("{{ range(2, 3, 4, 5) }}", "too many arguments"),
        ("\n\n{{ missing }}", "undefined value (in t:3)"),
    ],
)
def test_error_when_rendered(source, error):
    assert failure(source).startswith(error)


def test_causes_follow_the_error():
    templates = environment(t="a\n{% include 'inner' %}", inner="\n\n{{ missing }}")
    with pytest.raises(TemplateError) as caught:
        templates.render("t", {})
    assert caught.value.text == (
        "Error rendering template t: Could not render template: could not render include: error in \"inner\" (in t:2)\n"
        "Caused by: undefined value (in inner:3)"
    )  # fmt: skip
    assert caught.value.status == 500


@pytest.mark.parametrize("value", [object(), b"x", float("nan"), {1}], ids=["object", "bytes", "nan", "set"])
def test_what_json_does_not_have_is_refused(value):
    with pytest.raises(TypeError, match="a template argument must be a JSON value, found"):
        render("{{ x|tojson }}", x=value)


@pytest.mark.parametrize("name", ["in", "loop", "self"])
@pytest.mark.parametrize("value", [None, 5, "text"], ids=repr)
def test_arguments_named_like_words_of_the_language(name, value):
    text = "none" if value is None else str(value)
    assert render(f"{{{{ {name} }}}}", **{name: value}) == text
    assert (
        render(f"{{% if true %}}{{{{ {name} }}}}{{{{ other }}}}{{% endif %}}", **{name: value, "other": 1})
        == text + "1"
    )
    assert failure(f"{{{{ {name} }}}}{{{{ items }}}}", **{name: value}) == "undefined value (in t:1)"


@pytest.mark.parametrize("length", [10, 1500, 1501, 5000])
@pytest.mark.parametrize(("key", "before", "after"), [("t", "", ""), ("t.html", "", ""), ("t.json", '"', '"')])
def test_short_and_long_strings_behave_alike(length, key, before, after):
    templates = environment(
        **{key: "{% set y = x %}{{ y }}|{{ x is safe }}|{{ x|length }}|{% if '<' in x %}{% endif %}"}
    )
    text = "é" * length
    assert templates.render(key, {"x": text}) == f"{before}{text}{after}|false|{length}|"
    assert templates.render(key, {"x": "<" + text}).startswith("&lt;é" if key == "t.html" else f"{before}<é")


# -- keys and files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("t.html", "&lt;"),
        ("t.htm.jinja2", "&lt;"),
        ("t.xml.j2", "&lt;"),
        ("t.json", '"<"'),
        ("t.yml.jinja", '"<"'),
        ("a.html/t.minijinja", "<"),
        ("t.txt", "<"),
        ("t.html.j2.j2", "<"),
        ("html", "&lt;"),
        ('quoted"\\.html', "&lt;"),
        ("t", "<"),
    ],
)
def test_the_extension_decides_the_escaping(key, text):
    templates = Environment()
    templates.add(key, "{{ x }}{% if x %}{% endif %}")
    assert templates.render(key, {"x": "<"}) == text
    templates.add(key, "{{ x }}")
    assert templates.render(key, {"x": "<"}) == text


def test_wrong_syntax_is_refused_with_the_key_and_the_line():
    with pytest.raises(ConfigError) as caught:
        environment(t="a\n{% if %}")
    assert str(caught.value) == (
        "Error rendering template t: Failed to add template: syntax error: unexpected end of block (in t:2)"
    )


def test_a_template_may_be_replaced():
    templates = environment(t="{{ x }}")
    templates.add("t", "{% if x %}new{% endif %}")
    assert templates.render("t", {"x": 1}) == "new"


def test_a_key_without_template():
    with pytest.raises(TemplateError) as caught:
        Environment().render("nope", {})
    assert caught.value.text == "Template not found: nope"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("plain", set()),
        ("{{ user_text }}", {"user_text"}),
        ("{{ user_text.x }} {{ other }}", {"user_text.x", "other"}),
        ("{% for i in range(2) %}{{ user_text }}{{ loop.index }}{% endfor %}", {"range", "user_text"}),
        ("{% set ns = namespace(a=dict()) %}{{ ns.a }}{{ debug() }}", {"namespace", "dict", "debug"}),
        ("{{ {a: 1, b: 2} }}", {"a", "b"}),
        ("{% include 'other' %}", set()),
    ],
)
def test_undeclared_variables(source, names):
    assert environment(t=source).undeclared("t") == names


def test_without_base_path_only_configured_templates_are_reached_also_by_computed_names(tmp_path):
    templates = environment(t="{% include x %}", part="part")
    assert templates.render("t", {"x": "part"}) == "part"
    with pytest.raises(TemplateError) as caught:
        templates.render("t", {"x": str(tmp_path)})
    assert caught.value.text == (
        "Error rendering template t: Could not render template: invalid operation: "
        f"Could not load template '{tmp_path}' - if this a dynamic template included from the filesystem, "
        "please set `gateway.template_filesystem_access.base_path` (in t:1)"
    )


def test_files_below_base_path_are_found_through_each_other_and_frozen(tmp_path):
    (tmp_path / "deep").mkdir()
    files = {"a.txt": "A{% include 'deep/b.txt' %}", "deep/b.txt": "B{{ x }}", "c.txt": "C", "unused.txt": "{{"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    templates = environment(
        tmp_path, t="{% include ['none.txt', 'a.txt'] %}{% include 'c.txt' if x else 'own' %}", own="O"
    )
    for name in files:
        (tmp_path / name).unlink()
    assert templates.render("t", {"x": 0}) == "AB0O"
    assert templates.render("t", {"x": 1}) == "AB1C"
    assert set(templates.sources()) == {"t", "own", "a.txt", "deep/b.txt", "c.txt"}
    assert templates.extra_sources() == {name: files[name] for name in ("a.txt", "deep/b.txt", "c.txt")}


def test_a_configured_template_is_preferred_to_a_file_of_its_name(tmp_path):
    (tmp_path / "own").write_text("file")
    templates = environment(tmp_path, t="{% include 'own' %}", own="configured")
    assert templates.render("t", {}) == "configured"
    assert templates.extra_sources() == {}


@pytest.mark.parametrize(
    "name", ["../secret", ".hidden", "a/.hidden/b", "a\\\\b", "/etc/hostname", "folder", "folder/", ""]
)
def test_names_that_are_never_loaded(name, tmp_path):
    base = tmp_path / "base"
    (base / "folder").mkdir(parents=True)
    (base / ".hidden").write_text("hidden")
    (tmp_path / "secret").write_text("secret")
    templates = environment(base, t=f"{{% include '{name}' ignore missing %}}|")
    assert templates.render("t", {}) == "|"
    assert templates.extra_sources() == {}


def test_a_file_with_wrong_syntax_stops_the_start(tmp_path):
    (tmp_path / "bad").write_text("{% endif %}")
    with pytest.raises(
        ConfigError, match=r"Error rendering template bad: Failed to add template: syntax error: .*\(in bad:1\)"
    ):
        environment(tmp_path, t="{% include 'bad' %}")


def test_a_file_that_is_not_text_stops_the_start(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"Failed to read template `binary` below .* can't decode byte 0xff"):
        environment(tmp_path, t="{% include 'binary' %}")


def test_computed_names_stop_the_start_when_there_is_a_base_path(tmp_path):
    with pytest.raises(ConfigError) as caught:
        environment(tmp_path, **{"c.minijinja": "é\n {% include x %}", "d": "{% extends 'a' if y %}"})
    heading, *found = str(caught.value).split("\n")
    assert heading == "Cannot statically analyze all template dependencies. Found 2 dynamic load(s):"
    assert sorted(found) == [
        "  'a' if y",
        "  x",
        "c.minijinja:2:12: dynamic include - variable:",
        "d:1:11: dynamic extends - conditional without else:",
    ]


def test_templates_that_include_each_other_end_in_an_error(tmp_path):
    (tmp_path / "a").write_text("{% include 'b' %}")
    (tmp_path / "b").write_text("{% include 'a' %}")
    templates = environment(tmp_path, t="{% include 'a' %}")
    with pytest.raises(TemplateError, match="recursion limit exceeded"):
        templates.render("t", {})
