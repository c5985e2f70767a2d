"""Rendering: the compiled subset, the engine as t0 feeds it, and the engine as its package is used."""

import minijinja
import pytest

from t0.templates import Environment

SHORT = "Hello {{ name }}, you are {{ user.age }} years old.\n"
CHAT = "{% for m in messages %}{{ m.role|upper }}: {{ m.content }}{% if not loop.last %}\n{% endif %}{% endfor %}"
LINES = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.last %}.{% else %}\n{% endif %}{% endfor %}"
PERSON = {"name": "Ann", "user": {"age": 30}}


def _t0(source):
    environment = Environment()
    environment.add("t", source)
    return lambda arguments: environment.render("t", arguments)


def _t0_by_engine(source):
    return _t0("{% if true %}{% endif %}" + source)


def _minijinja(source):
    environment = minijinja.Environment(undefined_behavior="strict", pycompat=False)
    environment.add_template("t", source)
    return lambda arguments: environment.render_template("t", **arguments)


WITH_ENGINE = pytest.mark.parametrize("make", [_t0_by_engine, _minijinja], ids=["t0 engine", "minijinja"])


@pytest.mark.benchmark(group="template.two_variables")
@pytest.mark.parametrize("make", [_t0, _t0_by_engine, _minijinja], ids=["kernel", "t0 engine", "minijinja"])
def test_two_variables(benchmark, make):
    assert benchmark(make(SHORT), PERSON) == "Hello Ann, you are 30 years old."


@pytest.mark.benchmark(group="template.lines")
@pytest.mark.parametrize("make", [_t0, _t0_by_engine, _minijinja], ids=["kernel", "t0 engine", "minijinja"])
def test_lines(benchmark, make):
    messages = [{"role": "user", "content": "hello", "last": i == 19} for i in range(20)]
    assert benchmark(make(LINES), {"messages": messages}) == "\n".join(["user: hello"] * 20) + "."


@pytest.mark.benchmark(group="template.loop")
@WITH_ENGINE
def test_loop(benchmark, make):
    messages = [{"role": "user", "content": "hello"}] * 20
    assert benchmark(make(CHAT), {"messages": messages}) == "\n".join(["USER: hello"] * 20)


@pytest.mark.benchmark(group="template.long")
@WITH_ENGINE
def test_long_arguments(benchmark, make):
    text = "hello wor " * 500
    messages = [{"role": "user", "content": text}] * 100
    assert benchmark(make(CHAT), {"messages": messages}) == "\n".join([f"USER: {text}"] * 100)
