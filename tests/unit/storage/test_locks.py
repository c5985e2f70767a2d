"""Locks among tasks and among processes."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from t0.storage.locks import MachineLocks

HOLDER = """
import asyncio, sys
from pathlib import Path
from t0.storage.locks import MachineLocks

async def main():
    async with MachineLocks(Path(sys.argv[1])).hold("batch"):
        print("held", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@pytest.fixture
def locks(tmp_path: Path) -> Iterator[MachineLocks]:
    made = MachineLocks(tmp_path / "new" / "locks")
    yield made
    made.close()


@pytest.fixture
def holder(locks: MachineLocks, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock `batch` until it reads a line."""
    (tmp_path / "new").mkdir()
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "new" / "locks")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def hold_once(locks: MachineLocks, name: str) -> None:
    async with asyncio.timeout(5), locks.hold(name):
        await asyncio.sleep(0)


def test_one_task_at_a_time(locks: MachineLocks) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with locks.hold("batch"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(10)))

    asyncio.run(run())
    assert (inside, most) == (0, 1)


def test_an_error_inside_lets_go(locks: MachineLocks) -> None:
    async def run() -> None:
        with pytest.raises(LookupError):
            async with locks.hold("batch"):
                raise LookupError
        await hold_once(locks, "batch")

    asyncio.run(run())


def test_another_process_is_waited_for(locks: MachineLocks, holder: subprocess.Popen[str]) -> None:
    async def run() -> bool:
        waiting = asyncio.create_task(hold_once(locks, "batch"))
        await hold_once(locks, "something else")
        await asyncio.sleep(0.1)
        had_to_wait = not waiting.done()
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.flush()
        await waiting
        return had_to_wait

    assert asyncio.run(run())


def test_a_process_that_dies_lets_go(locks: MachineLocks, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    asyncio.run(hold_once(locks, "batch"))
