"""Which files a glob finds, how they parse, and how they become one tree."""

from pathlib import Path

import pytest

from t0.config.files import find, parse, read
from t0.config.load import load
from t0.config.schema import Config
from t0.errors import ConfigError
from t0.kinds import all_kinds

TREE = ["a.toml", "b.txt", ".hidden.toml", "sub/c.toml", "sub/deep/d.toml", "sub/e[1].toml", "linked/f.toml"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    for name in TREE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "linked").rename(tmp_path / "elsewhere")
    (root / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "file_link.toml").symlink_to(tmp_path / "elsewhere" / "f.toml")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        pytest.param("a.toml", ["a.toml"], id="plain"),
        pytest.param("./a.toml", ["./a.toml"], id="plain_with_dot"),
        pytest.param("*.toml", [".hidden.toml", "a.toml", "file_link.toml"], id="bare_relative"),
        pytest.param("./*.toml", ["./.hidden.toml", "./a.toml", "./file_link.toml"], id="relative_with_dot"),
        pytest.param("*", [".hidden.toml", "a.toml", "b.txt", "file_link.toml"], id="star_stays_in_its_directory"),
        pytest.param("?.t*", ["a.toml", "b.txt"], id="question_mark"),
        pytest.param("[ab].toml", ["a.toml"], id="class"),
        pytest.param("[!a].txt", ["b.txt"], id="negated_class"),
        pytest.param("[a-c].t*", ["a.toml", "b.txt"], id="range"),
        pytest.param("{a,b}.{toml,txt}", ["a.toml", "b.txt"], id="alternatives"),
        pytest.param("sub/{c,deep/d}.toml", ["sub/c.toml", "sub/deep/d.toml"], id="alternatives_with_slash"),
        pytest.param("**/d.toml", ["sub/deep/d.toml"], id="any_depth"),
        pytest.param("**/a.toml", ["a.toml"], id="any_depth_includes_none"),
        pytest.param("sub/**", ["sub/c.toml", "sub/deep/d.toml", "sub/e[1].toml"], id="everything_below"),
        pytest.param("sub/**/*.toml", ["sub/c.toml", "sub/deep/d.toml", "sub/e[1].toml"], id="any_depth_below"),
        pytest.param("sub/e[[]1].toml", ["sub/e[1].toml"], id="quoted_by_class"),
        pytest.param(r"sub/e\[1\].toml", ["sub/e[1].toml"], id="quoted_by_backslash"),
        pytest.param("su**/c.toml", ["sub/c.toml"], id="double_star_within_a_name"),
    ],
)
def test_find(glob: str, found: list[str], tree: Path) -> None:
    assert find(glob) == found


def test_find_absolute(tree: Path) -> None:
    assert find(f"{tree}/sub/*.toml") == [f"{tree}/sub/c.toml", f"{tree}/sub/e[1].toml"]


@pytest.mark.parametrize(
    ("glob", "text"),
    [
        pytest.param("zzz.toml", "No files matched the glob pattern", id="missing"),
        pytest.param("sub", "No files matched the glob pattern", id="directory"),
        pytest.param("A.TOML", "No files matched the glob pattern", id="case"),
        pytest.param("*/f.toml", "No files matched the glob pattern", id="directory_links_are_not_followed"),
        pytest.param("[a", "error parsing glob: unclosed character class; missing ']'", id="class"),
        pytest.param("{a", "error parsing glob: unclosed alternate group; missing '}'", id="group"),
        pytest.param("a}", "error parsing glob: unopened alternate group; missing '{'", id="unopened"),
        pytest.param("[z-a]", "error parsing glob: bad character range z-a at position", id="range"),
        pytest.param("*\\", "error parsing glob: dangling '\\'", id="escape"),
    ],
)
def test_find_nothing(glob: str, text: str, tree: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find(glob)
    assert str(caught.value).startswith(f"Error using glob: `{glob}`: {text}")


def test_unreadable_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError) as caught:
        read([str(path)])
    assert str(caught.value) == f"Failed to read config file `{path}`: stream did not contain valid UTF-8"


def test_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbf[gateway]\r\ndebug = true\r\n")
    assert read([str(path)]).tree == {"gateway": {"debug": True}}


def test_toml_1_1() -> None:
    text = 'a = {\n  b = 1, # comment\n  c = "\\e\\x41",\n}\nd = [0xFF, 0o17, 0b11]\n'
    assert parse(text, "x.toml") == {"a": {"b": 1, "c": "\x1bA"}, "d": [255, 15, 3]}


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            "[a]\nb = 1\n[a]\n",
            " at line 3, column 3\n  |\n3 | [a]\n  |   ^\nCannot declare ('a',) twice",
            id="table_twice",
        ),
        pytest.param("a = \n", " at line 1, column 5\n  |\n1 | a = \n  |     ^\nInvalid value", id="no_value"),
        pytest.param(
            "a = 9223372036854775808\n", ": number too large to fit in 64 bits: `9223372036854775808`", id="too_large"
        ),
        pytest.param(f"a = {'[' * 5000}", ": TOML inline arrays/tables are nested more than", id="deep_array"),
        pytest.param(
            f"{'.'.join('a' * 300)} = 1", ": tables and arrays are nested more than 100 levels", id="deep_key"
        ),
        pytest.param(f"a = {'9' * 10000}", ": Exceeds the limit", id="absurd_integer"),
        pytest.param(
            f"a = 0x{'f' * 10000}", ": number too large to fit in 64 bits: an integer of 40000", id="absurd_hex"
        ),
        pytest.param("a = '\u2028'\nb", " at line 2, column 2\n  |\n2 | b\n  |  ^\n", id="only_newlines_count"),
    ],
)
def test_malformed(toml: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(toml, "dir/x.toml")
    assert str(caught.value).startswith(
        f"Failed to parse config file as valid TOML: dir/x.toml: TOML parse error{text}"
    )


def merged(folder: Path, *texts: str) -> object:
    paths = [folder / f"{i}.toml" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return read([str(p) for p in paths]).tree


def test_merge_tables(tmp_path: Path) -> None:
    tree = merged(tmp_path, "[models.a]\nx = 1\n", "[models.b]\ny = 2\n[models.a.z]\n", "metrics.c.d = 3\n")
    assert tree == {"models": {"a": {"x": 1, "z": {}}, "b": {"y": 2}}, "metrics": {"c": {"d": 3}}}


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param(
            "a.b = 1",
            "a.b = 1",
            "a.b: Found duplicate values in globbed TOML config files `{DIR}/0.toml` and `{DIR}/1.toml`",
            id="equal_values",
        ),
        pytest.param(
            "[[a.b]]\n",
            "[[a.b]]\n",
            "a.b: Found duplicate values in globbed TOML config files `{DIR}/0.toml` and `{DIR}/1.toml`",
            id="arrays_of_tables",
        ),
        pytest.param(
            "a = 1",
            "[a]\n",
            "a: Found duplicate values in globbed TOML config files `{DIR}/0.toml` and `{DIR}/1.toml`",
            id="value_then_table",
        ),
        pytest.param(
            "[a.b]\n",
            "a.b = 1.5",
            "a.b: Cannot merge `float` from file `{DIR}/1.toml` into a table from file `{DIR}/0.toml`",
            id="table_then_value",
        ),
    ],
)
def test_merge_conflicts(first: str, second: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        merged(tmp_path, first, second)
    assert str(caught.value).replace(str(tmp_path), "{DIR}") == text


def test_an_error_names_the_file_that_wrote_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[gateway]\ndebug = true\n")
    (tmp_path / "b.toml").write_text("[gateway]\nbase_path = 'x'\n")
    with pytest.raises(ConfigError) as caught:
        load(f"{tmp_path}/*.toml", all_kinds(), {})
    assert caught.value.file == f"{tmp_path}/b.toml"
    assert str(caught.value).endswith(f"`x` (in {tmp_path}/b.toml)")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "[functions]\n[models]\n"])
def test_nothing_in_the_file_is_the_default_configuration(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    config = load(str(tmp_path / "x.toml"), all_kinds(), {})
    assert config.models == config.functions == {}
    assert load(None, all_kinds(), {}) == Config()
