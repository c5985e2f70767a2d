"""Paths inside the configuration."""

from pathlib import Path

import pytest

from t0.config.keys import all_keys
from t0.config.load import check
from t0.config.paths import PATH_KEYS, common_directory, template_key
from t0.config.values import SourceFile
from t0.kinds import all_kinds
from unit.config.build import CHAT, variant_keys
from unit.config.conftest import Read, Refusal


def test_every_file_of_the_schema_is_resolved() -> None:
    """`PATH_KEYS` repeats what the schema says, because paths are resolved before the kinds of tables are known."""
    found = set()
    for key in all_keys(all_kinds()):
        if "SourceFile" in str(key.field.annotation):
            found.add(plain(key.path))
    judges = {k for k in PATH_KEYS if "evaluators.*.variants" in k}  # their tables have a syntax of their own
    parts = {k for k in PATH_KEYS if ".evaluator." in k or ".fuser." in k}
    assert found - set(PATH_KEYS) == set()
    assert set(PATH_KEYS) - found - judges - parts == set()


def plain(path: str) -> str:
    """`functions.<name>[chat].tools` as `functions.*.tools`."""
    without_kinds = "".join(part.rpartition("]")[2] for part in path.split("["))
    return without_kinds.replace("<name>", "*")


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        pytest.param(["/c/x/u.j"], ["u.j"], id="one_file"),
        pytest.param(["/c/x/deep/u.j", "/c/x/o.j"], ["deep/u.j", "o.j"], id="shared_directory"),
        pytest.param(["/c/a/u.j", "/c/ab/u.j"], ["a/u.j", "ab/u.j"], id="whole_names_only"),
        pytest.param(["/a/u.j", "/b/u.j"], ["/a/u.j", "/b/u.j"], id="nothing_shared"),
        pytest.param(["/u.j"], ["/u.j"], id="in_the_root"),
    ],
)
def test_template_keys(paths: list[str], keys: list[str]) -> None:
    root = common_directory(paths)
    assert [template_key(p, root) for p in paths] == keys


def test_relative_to_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a.toml").write_text(CHAT)
    (tmp_path / "two" / "b.toml").write_text('[functions.f.variants.v]\nuser_template = "../two/t.j"\n')
    (tmp_path / "two" / "t.j").write_bytes(b"{{ user_text }}\r\n")
    config = check(f"{tmp_path}/*/*.toml", all_kinds(), {}).config
    file = config.functions["f"].variants["v"].templates["user"].file
    assert file == SourceFile(key="t.j", path=str(tmp_path / "two" / "t.j"), body="{{ user_text }}\r\n")


def test_links_are_followed_and_absolute_paths_kept(
    folder: Path, read: Read, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "real.j"
    target.write_text("x")
    (folder / "link.j").symlink_to(target)
    toml = variant_keys(f'templates.a.path = "link.j"\ntemplates.b.path = "{target}"')
    templates = read(toml).config.functions["f"].variants["v"].templates
    assert [t.file for t in templates.values()] == [SourceFile("real.j", str(target), "x")] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("1", "Expected a string, found integer", id="integer"),
        pytest.param("1.5", "Expected a string, found float", id="float"),
        pytest.param("[]", "Expected a string, found array", id="array"),
        pytest.param("1979-05-27", "Expected a string, found datetime", id="date"),
        pytest.param(
            '"zzz.j"',
            "Failed to resolve path `zzz.j` (base: `{DIR}`): No such file or directory (os error 2)",
            id="missing",
        ),
        pytest.param(
            '"~/x.j"',
            "Failed to resolve path `~/x.j` (base: `{DIR}`): No such file or directory (os error 2)",
            id="home_is_not_expanded",
        ),
        pytest.param(
            '"dir"', "Expected a file path, but '{DIR}/dir' is a directory. Name the file itself", id="directory"
        ),
        pytest.param('"\\u0000"', "Failed to resolve path `\0` (base: `{DIR}`): embedded null byte", id="nul"),
        pytest.param(
            '"latin.j"', "Failed to read file '{DIR}/latin.j': stream did not contain valid UTF-8", id="bytes"
        ),
    ],
)
def test_unusable_paths(value: str, text: str, folder: Path, refusal: Refusal) -> None:
    (folder / "latin.j").write_bytes(b"\xff")
    toml = variant_keys(f"user_template = {value}")
    assert refusal(toml) == f"functions.f.variants.v.user_template: {text}"


@pytest.mark.parametrize("toml", ["functions = 1", "functions.f = 1"], ids=["section", "function"])
def test_a_value_where_a_table_leads_to_paths(toml: str, refusal: Refusal) -> None:
    assert refusal(toml) == f"{toml.partition(' ')[0]}: Expected a table, found integer"


def test_paths_come_before_fields(refusal: Refusal) -> None:
    toml = variant_keys('zzz = 1\nuser_template = "zzz.j"')
    assert refusal(toml).startswith("functions.f.variants.v.user_template: Failed to resolve path")
