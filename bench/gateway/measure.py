"""Measures one case on one subject, and proves at the end that every answer was stored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import clickhouse_connect
from bench.gateway.cases import Case, Plan
from bench.gateway.loadgen import load
from bench.gateway.subjects import Running
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

TABLES = ("ChatInference", "ModelInference")
STALL_LIMIT_S = 20.0
_POLL_S = 0.1


class RowsMissing(Exception):
    """Answers were given whose rows never appeared."""


def measure(running: Running, case: Case, plan: Plan) -> dict[str, Any]:
    """The generator's figures, the CPU of each role in µs for each answer, memory in MB, seconds until all was stored.

    The CPU counts until the last row is in the database, so that work put off is not work saved.
    """
    time.sleep(plan.pause_s)
    url, body = running.request(case.kind, case.stream)
    before = running.cpu_seconds()
    figures = load(url, body, plan.options(case))
    ended = time.monotonic()
    running.answers += figures["answered_in_all"]
    await_rows(running)
    answered = max(figures["answered_in_all"], 1)
    cpu = {name: seconds / answered * 1e6 for name, seconds in running.cpu_by_role(before).items()}
    return {
        "load": figures,
        "cpu_us": {"total": sum(cpu.values()), **cpu},
        "memory_mb": running.memory(),
        "stored_after_s": time.monotonic() - ended if running.data_dir else None,
    }


def await_rows(running: Running) -> dict[str, int]:
    """The number of rows in each table, once there is one for each answer. Raises RowsMissing when they stop coming."""
    if running.data_dir is None:
        return {}
    seen, last_progress = count_rows(running.data_dir), time.monotonic()
    while min(seen.values()) < running.answers:
        if time.monotonic() - last_progress > STALL_LIMIT_S:
            raise RowsMissing(f"{running.answers} answers, but {seen}")
        time.sleep(_POLL_S)
        now = count_rows(running.data_dir)
        if now != seen:
            seen, last_progress = now, time.monotonic()
    return seen


def count_rows(data_dir: Path) -> dict[str, int]:
    """Zeros while the store is being made ready: a gateway answers before."""
    try:
        client = clickhouse_connect.get_client(
            dsn=(data_dir / "store" / "url").read_text().strip(), autogenerate_session_id=False
        )
    except (FileNotFoundError, DatabaseError, OperationalError):
        return dict.fromkeys(TABLES, 0)
    try:
        return {table: int(str(client.command(f"SELECT count() FROM {table}"))) for table in TABLES}
    except DatabaseError:
        return dict.fromkeys(TABLES, 0)
    finally:
        client.close()
