"""The command `t0`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from t0.errors import ConfigError
from t0.version import VERSION

_DATA_DIR = ".t0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code: 0 for success, 1 for a failure, 2 for a usage error."""
    options = _parser().parse_args(arguments)
    run = options.run
    try:
        code: int = run(options)
    except ConfigError as e:
        print(f"ERROR {e}", flush=True)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="t0", description="An LLM gateway, and the learning loop around it.")
    parser.add_argument("--version", action="version", version=f"t0 {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_gateway(commands.add_parser("gateway", help="serve the API"))
    _add_check(commands.add_parser("check", help="check a configuration and exit"))
    _add_store(commands.add_parser("store", help="run the embedded store by itself"))
    _add_recorder(commands.add_parser("recorder", help="run the recorder by itself (started by the gateway)"))
    commands.add_parser("version", help="print the version").set_defaults(run=_version)
    return parser


def _version(options: argparse.Namespace) -> int:
    print(f"t0 {VERSION}")
    return 0


# -- gateway -----------------------------------------------------------------------------------------------------------


def _add_gateway(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config-file", metavar="GLOB", help="the TOML files of the configuration")
    parser.add_argument("--default-config", action="store_true", help="serve with an empty configuration")
    parser.add_argument("--bind-address", metavar="IP:PORT", type=_address, help="default: 0.0.0.0:3000")
    parser.add_argument("--workers", metavar="N", type=_positive, help="worker processes (default: one per CPU)")
    parser.add_argument("--data-dir", metavar="DIR", type=Path, default=Path(_DATA_DIR), help="default: ./.t0")
    parser.add_argument("--log-format", choices=("pretty", "json"), default="pretty")
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument(
        "--run-clickhouse-migrations", "--run-migrations", action="store_true", help="migrate ClickHouse and exit"
    )
    actions.add_argument("--validate-and-exit", action="store_true", help="start fully, but do not serve")
    parser.set_defaults(run=_gateway)


def _gateway(options: argparse.Namespace) -> int:
    from t0.startup import gateway

    return gateway(options, os.environ)


def _address(text: str) -> tuple[str, int]:
    from t0.config.schema.gateway import parse_socket_address

    try:
        return parse_socket_address(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from e


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {value}")
    return value


# -- check -------------------------------------------------------------------------------------------------------------


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="GLOB", help="the TOML files of the configuration")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from t0.config.load import load
    from t0.kinds import all_kinds
    from t0.models.table import check_prices

    config = load(options.config, all_kinds(), os.environ)
    check_prices(config)
    print(f"{len(config.source.paths)} file(s) checked: the configuration is valid")
    return 0


# -- processes of their own --------------------------------------------------------------------------------------------


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", metavar="DIR", type=Path, default=Path(_DATA_DIR), help="default: ./.t0")
    parser.add_argument("--port", metavar="N", type=int, help="default: a free one; the URL is in DIR/store/url")
    parser.set_defaults(run=_store)


def _store(options: argparse.Namespace) -> int:
    from t0.logs import set_up_logging
    from t0.storage.store.process import main as store

    set_up_logging("pretty", logging.INFO)
    return store(options.data_dir, options.port)


def _add_recorder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", metavar="FILE", type=Path, required=True, help="JSON, written by the gateway")
    parser.set_defaults(run=_recorder)


def _recorder(options: argparse.Namespace) -> int:
    from t0.recorder.process import main as recorder

    return recorder(options.settings.read_text())


if __name__ == "__main__":
    sys.exit(main())
