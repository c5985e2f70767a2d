"""The command `t0`: its exit codes, its usage errors, its logs."""

import json
import logging
import os
import re
import subprocess
import sys

import pytest

from kit import SMALL
from processes import write_config
from t0.cli import main
from t0.logs import set_up_logging
from t0.version import VERSION


def run(capsys, *words):
    """Exit code, standard output, last line of standard error."""
    try:
        code = main(words)
    except SystemExit as e:
        code = e.code
    out, err = capsys.readouterr()
    return code, out, err.strip().rpartition("\n")[2]


USAGE_ERRORS = {
    "no command": ((), "t0: error: the following arguments are required: COMMAND"),
    "unknown flag": (("gateway", "--zz"), "t0: error: unrecognized arguments: --zz"),
    "no workers": (
        ("gateway", "--workers", "0"),
        "t0 gateway: error: argument --workers: expected at least 1, got 0",
    ),
    "workers": (
        ("gateway", "--workers", "two"),
        "t0 gateway: error: argument --workers: invalid _positive value: 'two'",
    ),
    "migrate and validate": (
        ("gateway", "--run-clickhouse-migrations", "--validate-and-exit"),
        "t0 gateway: error: argument --validate-and-exit: not allowed with argument "
        "--run-clickhouse-migrations/--run-migrations",
    ),
    "nothing to check": (("check",), "t0 check: error: the following arguments are required: GLOB"),
    "no settings": (("recorder",), "t0 recorder: error: the following arguments are required: --settings"),
}


@pytest.mark.parametrize(("words", "error"), USAGE_ERRORS.values(), ids=USAGE_ERRORS)
def test_usage_errors_exit_with_2(capsys, words, error):
    assert run(capsys, *words) == (2, "", error)


@pytest.mark.parametrize("address", ["localhost:3000", "3000", "127.0.0.1", "127.0.0.1:70000", "[::1]", ""])
def test_addresses_that_are_none(capsys, address):
    code, _, error = run(capsys, "gateway", "--default-config", f"--bind-address={address}")
    assert code == 2
    assert error.startswith("t0 gateway: error: argument --bind-address: ")
    assert address in error


@pytest.mark.parametrize("command", ["", "gateway", "check", "store", "recorder", "version"])
def test_every_command_has_help(capsys, command):
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0
    assert out.startswith(f"usage: t0 {command}".rstrip())


@pytest.mark.parametrize("words", [("version",), ("--version",)], ids=" ".join)
def test_the_version(capsys, words):
    assert run(capsys, *words) == (0, f"t0 {VERSION}\n", "")


def test_checking_a_valid_configuration(capsys, tmp_path):
    path = write_config(tmp_path, SMALL)
    assert run(capsys, "check", str(path)) == (0, "1 file(s) checked: the configuration is valid\n", "")


INVALID = {
    "not TOML": ("[", "tensorzero.toml"),
    "unknown key": (SMALL + "zz = 1\n", "functions.f.variants.v.zz: "),
    "unknown model": (SMALL.replace('model = "m"', 'model = "zz"'), "zz"),
    "template": (SMALL + 'templates.user.path = "gone.j"\n', "gone.j"),
}


@pytest.mark.parametrize(("toml", "named"), INVALID.values(), ids=INVALID)
def test_checking_an_invalid_configuration(capsys, tmp_path, toml, named):
    code, out, _ = run(capsys, "check", str(write_config(tmp_path, toml)))
    assert code == 1
    assert out.startswith("ERROR ")
    assert named in out


def test_checking_what_is_not_there(capsys, tmp_path):
    code, out, _ = run(capsys, "check", str(tmp_path / "*.toml"))
    assert code == 1
    assert str(tmp_path) in out


# -- starting ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clean(monkeypatch):
    """No variable of this process reaches the command; its set-up of logging ends with the test."""
    for name in list(os.environ):
        if name.startswith(("TENSORZERO_", "T0_", "RUST_LOG")):
            monkeypatch.delenv(name)
    root, own = logging.getLogger(), logging.getLogger("t0")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)


START_FAILURES = {
    "no configuration": (
        (),
        {},
        "You must specify either `--config-file` or `--default-config`.",
    ),
    "two configurations": (
        ("--default-config", "--config-file", "x.toml"),
        {},
        "You must not specify both `--config-file` and `--default-config`.",
    ),
    "nothing to migrate": (
        ("--run-clickhouse-migrations",),
        {},
        "Missing environment variable `TENSORZERO_CLICKHOUSE_URL`.",
    ),
    "two addresses": (
        ("--default-config", "--bind-address", "127.0.0.1:0"),
        {"TENSORZERO_GATEWAY_BIND_ADDRESS": "127.0.0.1:1"},
        "You must only specify one of `--bind-address` (CLI), `TENSORZERO_GATEWAY_BIND_ADDRESS` "
        "(environment variable), or `gateway.bind_address` (configuration).",
    ),
    "address of the environment": (
        ("--default-config",),
        {"T0_GATEWAY_BIND_ADDRESS": "nowhere"},
        "TENSORZERO_GATEWAY_BIND_ADDRESS: ",
    ),
}


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(("words", "env", "error"), START_FAILURES.values(), ids=START_FAILURES)
def test_what_cannot_start_exits_with_1(capsys, monkeypatch, tmp_path, words, env, error):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    code, out, _ = run(capsys, "gateway", *words, "--data-dir", str(tmp_path))
    assert code == 1
    assert f"ERROR t0: {error}" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("clean")
def test_a_log_level_that_is_none(capsys, monkeypatch):
    monkeypatch.setenv("RUST_LOG", "loud")
    code, out, _ = run(capsys, "gateway", "--default-config")
    assert (code, out.startswith("ERROR RUST_LOG: `loud` names no log level")) == (1, True)


@pytest.mark.usefixtures("clean")
def test_validating_ends_before_anything_is_started(capsys, tmp_path):
    path = write_config(tmp_path, "[gateway.observability]\nenabled = false\n" + SMALL)
    data = tmp_path / "data"
    words = ["gateway", "--config-file", str(path), "--validate-and-exit", "--data-dir", str(data)]
    code, out, _ = run(capsys, *words, "--workers", "3")
    assert (code, data.exists()) == (0, False)
    told = [line.partition(" t0: ")[2] for line in out.splitlines()]
    assert told[:3] == [f"TensorZero-compatible gateway t0 {VERSION}", f"├ configuration: {path}", f"│   {path}"]
    assert {"├ base path: /", "├ observability: off", "├ writes: async", "└ workers: 3"} <= set(told)
    assert told[-1] == "Configuration is valid. Exiting."


# -- logs --------------------------------------------------------------------------------------------------------------

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def logged(capsys, log_format, level):
    """What is written of a message of each level, and of an error of other code."""
    set_up_logging(log_format, level)
    own = logging.getLogger("t0")
    own.debug("quiet")
    own.info("told %d", 1)
    try:
        raise ValueError("oh")
    except ValueError:
        own.exception("failed")
    logging.getLogger("other").info("not ours")
    logging.getLogger("other").warning("careful")
    for handler in logging.getLogger().handlers:
        handler.flush()
    return TIME.sub("<time>", capsys.readouterr().out)


@pytest.mark.usefixtures("clean")
def test_logs_for_people(capsys):
    lines = logged(capsys, "pretty", logging.INFO).splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "<time>    INFO t0: told 1",
        "<time>   ERROR t0: failed",
        "Traceback (most recent call last):",
        "ValueError: oh",
        "<time> WARNING other: careful",
    ]


@pytest.mark.usefixtures("clean")
def test_logs_as_json(capsys):
    first, second, third = [json.loads(line) for line in logged(capsys, "json", logging.INFO).splitlines()]
    assert first == {"timestamp": "<time>", "level": "INFO", "target": "t0", "fields": {"message": "told 1"}}
    assert second["fields"]["message"] == "failed"
    assert second["fields"]["exception"].endswith("ValueError: oh")
    assert third == {"timestamp": "<time>", "level": "WARNING", "target": "other", "fields": {"message": "careful"}}


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("level", "lines"), [(logging.DEBUG, ["quiet", "told"]), (logging.ERROR, []), (logging.CRITICAL + 1, [])]
)
def test_the_level_of_the_logs(capsys, level, lines):
    out = logged(capsys, "pretty", level)
    assert [word for word in ("quiet", "told") if word in out] == lines
    assert ("failed" in out) == (level <= logging.ERROR)


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "t0.cli", "version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"t0 {VERSION}\n", "")
