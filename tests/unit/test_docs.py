"""The documents say what the program does: keys, flags, commands, links, and nothing that must not be said."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from t0.config import schema
from t0.kinds import all_kinds

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
MANUAL = "\n".join(p.read_text() for p in DOCUMENTS)


def structs_in(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs inside a type such as `dict[str, Variant] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for inner in get_args(annotation):
        yield from structs_in(inner)


def keys() -> dict[str, str]:
    """Every key of the configuration but internal ones (`__x`), with the struct it stands in."""
    found: dict[str, str] = {}
    waiting: list[type[msgspec.Struct]] = [schema.Config]
    waiting += [kind for members in all_kinds().structs.values() for kind in members.values()]
    waiting += [kind for kinds in (schema.FUNCTION_KINDS, schema.OBJECT_STORAGE_KINDS) for kind in kinds.values()]
    seen: set[type] = set()
    while waiting:
        struct = waiting.pop()
        if struct in seen:
            continue
        seen.add(struct)
        for field in msgspec.structs.fields(struct):
            if not field.encode_name.startswith("__"):
                found.setdefault(field.encode_name, struct.__name__)
            waiting += structs_in(field.type)
    return found


def test_every_configuration_key_is_documented() -> None:
    assert {key: where for key, where in keys().items() if not re.search(rf"\b{re.escape(key)}\b", MANUAL)} == {}


def help_of(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "t0.cli", *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_and_flag_is_documented() -> None:
    commands = re.findall(r"^    ([a-z-]+) ", help_of(), re.MULTILINE)
    assert "gateway" in commands
    flags = {f"t0 {c}": re.findall(r"(?<![\w-])--[a-z][a-z-]+", help_of(c)) for c in commands}
    unknown = {f"{command} {f}" for command, found in flags.items() for f in found if f"`{f}" not in MANUAL}
    assert unknown - {f"{c} --help" for c in flags} == set()
    assert [command for command in flags if command not in MANUAL] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [t for t in targets if "://" not in t]
    assert [t for t in local if not (path.parent / t).exists()] == []


def test_commands_of_the_readme_are_those_of_the_makefile() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text())
    assert {"run", "test"} <= set(readme) <= targets
    assert set(re.findall(r"`make ([a-z]+)", MANUAL)) <= targets


# Written in parts, so that this file keeps the rules that it checks.
HOSTS = [".".join(parts) for parts in (("py" + "pi", "org"), ("pythonhosted", "org"), ("ghcr", "io"), ("docker", "io"))]
HOSTS += [".".join(parts) for parts in (("quay", "io"), ("npmjs", "com"), ("npmjs", "org"), ("crates", "io"))]
INSTALLS_T0 = re.compile(r"install\s+(?:-\S+\s+)*['\"]?t0(?![\w-])")
OWN_MACHINE = re.compile(r"(?<![\w.~:/-])/(?:home|root|Users|w" + r"ork)/")


def texts() -> Iterator[tuple[str, str]]:
    """The text files of the repository but the recorded cases, with their path."""
    tops = ["src", "tests", "bench", "docs", "examples", ".github", ".ci"]
    files = [p for top in tops for p in (ROOT / top).rglob("*") if p.is_file()]
    files += [p for p in ROOT.iterdir() if p.is_file()]
    skipped = {".so", ".c", ".pyc"}
    for path in files:
        if path.suffix not in skipped and "cases" not in path.parts and "target" not in path.parts:
            yield str(path.relative_to(ROOT)), path.read_text(errors="replace")


def test_no_file_names_a_package_registry() -> None:
    assert [(path, host) for path, text in texts() for host in HOSTS if host in text] == []


def test_nobody_is_told_to_install_somebody_elses_package() -> None:
    """On the index `t0` is another project; ours is `t0-gateway`."""
    assert [path for path, text in texts() if INSTALLS_T0.search(text)] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert [(path, m[0]) for path, text in texts() if (m := OWN_MACHINE.search(text))] == []
