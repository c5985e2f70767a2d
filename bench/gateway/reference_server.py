"""Serves the reference's HTTP API on a free port until standard input ends; the first argument is its configuration."""

import sys
from typing import Any

from tensorzero import _start_http_gateway


def main() -> None:
    gateway: Any = _start_http_gateway(
        config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
    )
    print(f"serving {gateway.base_url}", flush=True)
    sys.stdin.read()
    gateway.close()


if __name__ == "__main__":
    main()
