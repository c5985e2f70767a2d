"""Makes two versions of t0 runnable side by side: git revisions, folders, or the t0 of another environment."""

from __future__ import annotations

import compileall
import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.gateway.processes import clean_env

ROOT = Path(__file__).parents[1]
BUILD_INPUTS = ("src", "setup.py", "pyproject.toml", "README.md", "LICENSE")


class BuildFailed(Exception):
    """The version cannot be had or built; the text says why."""


@dataclass(frozen=True)
class Build:
    """A t0 that `python` runs with `env`."""

    name: str
    python: str = sys.executable
    env: dict[str, str] = field(default_factory=dict)


def installed(python: str) -> Build:
    """The t0 that is installed for an interpreter. Raises BuildFailed when there is none."""
    run = subprocess.run([python, "-c", "import t0"], capture_output=True, text=True, check=False, cwd="/")
    if run.returncode != 0:
        raise BuildFailed(f"`{python}` has no t0: {run.stderr.strip()}")
    return Build(python, python)


def build(version: str, folder: Path) -> Build:
    """Copies a folder, or a git revision of this repository, to `folder` and builds there what a wheel would hold.

    The result runs with this interpreter and its packages. Raises BuildFailed.
    """
    folder.mkdir(parents=True)
    library = folder.resolve() / "library"
    if (Path(version) / "setup.py").is_file():
        _copy(Path(version), folder)
    else:
        _extract(version, folder)
    run = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build", "--build-lib", str(library)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise BuildFailed(f"`{version}` does not build:\n{run.stderr}")
    # As an installer does, so that no start has to.
    compileall.compile_dir(library, quiet=1)
    result = Build(version, env={"PYTHONPATH": str(library)})
    _check_source(result, library)
    return result


def _copy(source: Path, folder: Path) -> None:
    for name in BUILD_INPUTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        elif (source / name).exists():
            shutil.copy2(source / name, folder / name)


def _extract(revision: str, folder: Path) -> None:
    run = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if run.returncode != 0:
        raise BuildFailed(f"`{revision}` is neither a folder with a setup.py nor a revision: {run.stderr.decode()}")
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _check_source(built: Build, library: Path) -> None:
    """Proves that what was built is what runs, and not a t0 installed beside it."""
    command = [built.python, "-c", "import t0; print(t0.__file__)"]
    run = subprocess.run(command, env=clean_env(built.env), capture_output=True, text=True, check=False, cwd=library)
    if run.returncode != 0 or not Path(run.stdout.strip()).is_relative_to(library):
        raise BuildFailed(f"`{built.name}` was built, but `import t0` finds {run.stdout.strip() or run.stderr}")
