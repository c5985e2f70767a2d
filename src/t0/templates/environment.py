"""The templates of one configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import minijinja

from t0._core.template import Program, set_statements
from t0.errors import ConfigError, TemplateError
from t0.templates.dependencies import Load, loads
from t0.templates.maps import HAS_STRING_KEYS, SORT, with_sorted_maps
from t0.templates.subset import compile_program

# The engine package has these on top of what the reference's engine has.
_FOREIGN_FILTERS = ("filesizeformat", "pluralize", "striptags", "truncate", "urlencode")
_FOREIGN_GLOBALS = ("cycler", "joiner")

# The filter that fetches a long string.
_FETCH = "_t0_text"

# Arguments that `{% set %}` cannot name; they reach the engine as keyword arguments.
_UNSETTABLE = ("in", "loop", "self")
_DICT_METHODS = tuple(name for name in dir(dict) if not name.startswith("_"))

_ESCAPING = {"html", "htm", "xml", "json", "json5", "js", "yaml", "yml"}
_TEMPLATE_SUFFIX = re.compile(r"\.(j2|jinja2|jinja)\Z")
_MISSING = re.compile(
    r'template not found: (?:tried to include non-existing template "(.*)"|template "(.*)" does not exist)'
)


class Environment:
    """Templates by key, rendered with strict undefined values.

    `base_path` is the directory below which `include` and its kin find files that the configuration does not name;
    without it they reach configured templates only. `fuel` limits the steps of one rendering, for templates that an
    operator did not write; a million take about 60 ms.
    """

    def __init__(self, base_path: Path | None = None, *, fuel: int | None = None) -> None:
        self._base_path = base_path
        self._sources: dict[str, str] = {}
        self._configured: set[str] = set()
        self._programs: dict[str, Program] = {}
        self._prefix = ""
        self._texts: dict[int, list[str]] = {}  # by rendering: the long strings among its arguments
        self._renderings = count()
        self._engine = _engine(self._texts, fuel)
        self._limited = fuel is not None

    def add(self, key: str, source: str) -> None:
        """Adds a configured template. Raises `ConfigError` if its syntax is wrong."""
        self._add(key, source)
        self._configured.add(key)

    def has(self, key: str) -> bool:
        """Whether there is a template of this key."""
        return key in self._sources

    def sources(self) -> dict[str, str]:
        """The text of every template by key, those found below `base_path` included."""
        return dict(self._sources)

    def extra_sources(self) -> dict[str, str]:
        """The templates found below `base_path`, by the name that loads them."""
        return {key: source for key, source in self._sources.items() if key not in self._configured}

    def undeclared(self, key: str) -> set[str]:
        """The free variables of a template; an attribute of one counts as a variable of its own: `user.name`."""
        return self._engine.undeclared_variables_in_str(self._sources[key], nested=True)

    def load_dependencies(self) -> None:
        """Reads the files that the templates load, and those that these load, once and for all.

        Without `base_path` it does nothing. Raises `ConfigError` when a template computes the name of another, or when
        a file that is read has wrong syntax.
        """
        if self._base_path is None:
            return
        pending = list(self._sources)
        computed: list[str] = []
        while pending:
            key = pending.pop()
            for load in loads(self._sources[key]):
                if load.names is None:
                    computed.append(load.described(key, self._sources[key]))
                pending += self._read(load, self._base_path)
        if computed:
            raise ConfigError(
                "Cannot statically analyze all template dependencies. "
                f"Found {len(computed)} dynamic load(s):\n" + "\n".join(computed)
            )

    def render(self, key: str, arguments: Mapping[str, Any]) -> str:
        """The text of a template given its variables, which are JSON values. Raises `TemplateError`."""
        values = arguments if type(arguments) is dict else dict(arguments)
        program = self._programs.get(key)
        if program is not None:
            text = program.render(values)
            if text is not None:
                return text
        return self._render_by_engine(key, values)

    def _add(self, key: str, source: str) -> None:
        try:
            self._engine.add_template(key, source)
            self._engine.add_template(key, prepared := with_sorted_maps(source))
        except minijinja.TemplateError as error:
            message = f"Failed to add template: {_headline(error)}"
            raise ConfigError(f"Error rendering template {key}: {message}") from error
        self._sources[key] = source
        if SORT in prepared:
            self._prefix = f"{{% set {SORT} = namespace %}}"
        self._programs.pop(key, None)
        # Programs have no fuel.
        if not self._limited and not _escapes(key) and (program := compile_program(source)) is not None:
            self._programs[key] = program

    def _read(self, load: Load, base_path: Path) -> list[str]:
        """Adds the files that a statement loads and that are there; gives their names."""
        added = []
        for name in load.names or ():
            if not self.has(name) and (source := _file(base_path, name)) is not None:
                self._add(name, source)
                added.append(name)
        return added

    def _render_by_engine(self, key: str, arguments: dict[str, Any]) -> str:
        """Renders in the engine, through a child template that sets the arguments and extends the one of that key.

        The engine would see arguments given in the ordinary way as Python objects: with Python's methods, order and
        printing. And it is faster so.
        """
        if key not in self._sources:
            raise TemplateError(f"Template not found: {key}", template_name=key)
        number = next(self._renderings)
        texts = self._texts[number] = []
        try:
            statements = set_statements(arguments, texts, f"{_FETCH}({number})")
            source = f"{self._prefix}{statements}{{% extends {_quoted(key)} %}}"
            if any(name in arguments for name in _UNSETTABLE):
                return _render_with_context(self._engine, source, key, arguments)
            return self._engine.render_str(source, _child_name(key))
        except minijinja.TemplateError as error:
            message = f"Could not render template: {self._described(error)}"
            raise TemplateError(
                f"Error rendering template {key}: {message}", template_name=key, message=message
            ) from error
        finally:
            del self._texts[number]

    def _described(self, error: minijinja.TemplateError) -> str:
        """The error and its causes, in the reference's words."""
        first, *causes = str(error).rstrip("\n").split("\ncaused by: ")
        return "\nCaused by: ".join(_MISSING.sub(self._missing, text.rstrip("\n")) for text in (first, *causes))

    def _missing(self, found: re.Match[str]) -> str:
        head = f"invalid operation: Could not load template '{found[1] or found[2]}'"
        if self._base_path is not None:
            return f"{head}: the file was missing."
        return (
            f"{head} - if this a dynamic template included from the filesystem, "
            "please set `gateway.template_filesystem_access.base_path`"
        )


def _engine(texts: dict[int, list[str]], fuel: int | None) -> minijinja.Environment:
    engine = minijinja.Environment(
        undefined_behavior="strict",
        pycompat=False,
        debug=False,
        filters={_FETCH: lambda index, rendering: texts[rendering][index]},
        tests={HAS_STRING_KEYS: lambda value: isinstance(value, dict) and all(isinstance(k, str) for k in value)},
    )
    if fuel is not None:
        engine.fuel = fuel
    for name in _FOREIGN_FILTERS:
        engine.remove_filter(name)
    for name in _FOREIGN_GLOBALS:
        engine.remove_global(name)
    return engine


def _render_with_context(engine: minijinja.Environment, source: str, key: str, arguments: dict[str, Any]) -> str:
    """Renders with arguments that `{% set %}` cannot name.

    The engine takes them as a Python dict, whose methods would be variables, were they not set to undefined.
    """
    hidden = "".join(f"{{% set {name} = _t0_undefined %}}" for name in _DICT_METHODS if name not in arguments)
    context = {name: arguments[name] for name in _UNSETTABLE if name in arguments}
    # The method of the stubs' invisible base class can take an argument named `self`.
    render: Callable[..., str] = super(minijinja.Environment, engine).render_str  # type: ignore[misc]
    return render(hidden + source, _child_name(key), **context)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _child_name(key: str) -> str:
    """A name that no template has and that is escaped as `key` is."""
    return f"\0.{key}"


def _headline(error: minijinja.TemplateError) -> str:
    return str(error).split("\n", 1)[0]


def _escapes(key: str) -> bool:
    """Whether the extension of a template's key makes `{{ }}` escape."""
    return _TEMPLATE_SUFFIX.sub("", key).rsplit(".", 1)[-1] in _ESCAPING


def _file(base_path: Path, name: str) -> str | None:
    """The text of a file below `base_path`; None if there is none, or if its name is not plain."""
    segments = name.split("/")
    if "\\" in name or any(s.startswith(".") for s in segments):
        return None
    try:
        return base_path.joinpath(*segments).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Failed to read template `{name}` below `{base_path}`: {error}") from error
