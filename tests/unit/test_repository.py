"""The files around the code keep their promises: workflows, container, changelog, packaging."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from t0.version import VERSION

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(params=WORKFLOWS, ids=lambda p: p.stem)
def workflow(request: pytest.FixtureRequest) -> str:
    return str(request.param.read_text())


def test_the_workflows_are_these() -> None:
    assert [p.stem for p in WORKFLOWS] == ["bench", "ci", "release", "sanitize", "wheels"]


def test_actions_are_pinned_by_commit(workflow: str) -> None:
    used = re.findall(r"uses: (.+)", workflow)
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml")
    assert [u for u in used if not pinned.fullmatch(u)] == []


def test_jobs_get_no_permission_that_they_do_not_name(workflow: str) -> None:
    assert re.search(r"^permissions: \{\}$", workflow, re.MULTILINE)


def test_every_job_has_a_time_limit(workflow: str) -> None:
    assert workflow.count("runs-on: ") == workflow.count("timeout-minutes: ")


def test_old_runs_are_cancelled(workflow: str) -> None:
    assert re.search(r"^concurrency:\n  group: .+\n  cancel-in-progress: (true|false)$", workflow, re.MULTILINE)


def test_one_action_has_one_version() -> None:
    used = {m for p in WORKFLOWS for m in re.findall(r"uses: ([^@\s]+)@(\w+)", p.read_text())}
    assert len(used) == len({name for name, _ in used})


def test_ci_runs_what_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "run: .ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()
    steps = re.search(r"for step in (.+);", script.read_text())
    assert steps is not None
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    assert {*steps[1].split(), "run", "test"} <= targets


def test_the_supported_pythons_are_the_tested_ones() -> None:
    named = [c.rpartition(" ")[2] for c in project()["project"]["classifiers"] if "Python :: 3." in c]
    matrix = re.search(r"python: \[(.+)\]", (ROOT / ".github/workflows/ci.yml").read_text())
    assert matrix is not None
    assert re.findall(r'"([\d.]+)"', matrix[1]) == named
    assert project()["project"]["requires-python"] == f">={named[0]}"


def test_the_changelog_tells_of_this_version() -> None:
    """Before a release its changes stand under `Unreleased`; a released version has a heading with its date."""
    headings = re.findall(
        r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == ("Unreleased", "")
    released = headings[1:]
    assert all(date for _, date in released)
    assert released == sorted(released, key=lambda r: r[1], reverse=True)
    assert not released or released[0][0] == VERSION


def test_the_changelog_is_grouped() -> None:
    groups = set(re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert groups <= {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"}


def test_the_license_is_the_one_that_is_named() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert project()["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert text.rstrip().endswith("limitations under the License.")


def test_the_container_runs_the_gateway_as_its_own_user() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    final = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    expected = ["USER gateway", "WORKDIR /app", "EXPOSE 3000", 'ENTRYPOINT ["t0", "gateway"]']
    assert [line for line in final if line in expected] == expected
    assert any("http://localhost:3000/status" in line for line in final)


def test_everything_the_container_copies_is_in_its_context() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == kept
    assert [name for name in kept if not (ROOT / name).exists()] == []


def test_who_compares_versions_can_build_them() -> None:
    required = set(project()["build-system"]["requires"])
    assert required - set(project()["dependency-groups"]["bench"]) == set()
