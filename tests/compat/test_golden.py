"""Replays the recorded answers of the reference against the gateway: `tests/golden`, one test per case.

`pending.json` names the cases that wait for a feature; one of them that passes fails its test, so that it is taken off
the list. `deviations.json` holds the differences that are intended, with the reason.
"""

import argparse
import asyncio
import fnmatch
import gc
import json
import os
import shlex
import ssl
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import compare
import mock
from processes import clean_env

GOLDEN = Path(compare.__file__).parent
COMMAND = "{} -m t0.cli gateway --config-file {{config}} --bind-address 127.0.0.1:{{port}} --workers 1"
PENDING: dict[str, str] = json.loads((GOLDEN / "pending.json").read_text())

pytestmark = pytest.mark.timeout(1200)  # the first test waits for the run of all


def name_of(case: dict[str, Any]) -> str:
    return f"{case['category']}/{case['name']}"


def template_cases() -> list[dict[str, Any]]:
    """The cases of `templates.json`; those that need no start of their own share one gateway, a function for each."""
    cases = compare.template_cases(GOLDEN / "templates.json")
    for case in cases:
        case["name"] = case["template"]["name"]
    alike = [c for c in cases if "start_error" not in c["template"] and not c["template"].get("files")]
    config, files = alike[0]["config"].partition("[functions.f]")[0], {}
    for i, case in enumerate(alike):
        head, _, _ = case["config"].partition("[functions.f]")
        config += case["config"].removeprefix(head).replace("[functions.f", f"[functions.f{i}")
        files |= case["files"]
        case["calls"][0]["body"]["function_name"] = f"f{i}"
    for case in alike:
        case["config"], case["files"] = config, files
    return cases


CASES = {name_of(c): c for c in [*compare.load_cases(GOLDEN / "cases"), *template_cases()]}


def parameters() -> Iterator[Any]:
    for name in CASES:
        waits = [reason for glob, reason in PENDING.items() if fnmatch.fnmatchcase(name, glob)]
        yield pytest.param(name, id=name, marks=[pytest.mark.xfail(reason=waits[0], strict=True)] if waits else [])


class SharedCertificates:
    """Takes the place of the mock's own, which are made anew for every gateway by the `openssl` command."""

    authority = trustme.CA()
    identity = authority.issue_cert(*mock.TLS_HOSTS, "127.0.0.1")
    ca: Path

    def __init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.identity.configure_cert(self.context)
        self.context.set_alpn_protocols(["http/1.1"])

    def close(self) -> None:
        pass  # the files belong to the session


@pytest.fixture(scope="module")
def problems(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What differs in each of the cases that were chosen for this session, by the name of the case."""
    chosen = [i.callspec.params["name"] for i in request.session.items if getattr(i, "originalname", "") == "test_case"]
    SharedCertificates.ca = tmp_path_factory.mktemp("golden") / "ca.pem"
    SharedCertificates.authority.cert_pem.write_to_path(str(SharedCertificates.ca))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mock, "Certificates", SharedCertificates)
        for name in os.environ.keys() - clean_env().keys():
            patch.delenv(name)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ResourceWarning
            )  # the comparer leaves the sockets of its probes to the collector
            found = run([CASES[name] for name in chosen])
            gc.collect()
        return found


def run(cases: list[dict[str, Any]]) -> dict[str, list[str]]:
    plain = [c for c in cases if c["category"] != "templates"]
    templates = [c for c in cases if c["category"] == "templates"]
    replayed = options()
    results = asyncio.run(compare.run_all(plain, replayed))
    rendered = asyncio.run(compare.run_all(templates, options(record=True)))
    # The comparer takes out intended differences of calls; here also those of starts.
    left = {name_of(r.case): compare.split_deviations(r.case, r.problems, replayed.intended)[0] for r in results}
    return left | {name_of(r.case): judge(r) for r in rendered}


def options(**more: Any) -> argparse.Namespace:
    deviations = GOLDEN / "deviations.json"
    chosen = compare.parser().parse_args(
        ["--gateway-cmd", COMMAND.format(shlex.quote(sys.executable)), "--jobs", "2"],
    )
    chosen.intended = json.loads(deviations.read_text()) if deviations.exists() else []
    vars(chosen).update(more)
    return chosen


def judge(result: compare.Result) -> list[str]:
    """Of a template only the text counts, or that it was refused, and when."""
    template, got = result.case["template"], compare.judge_template(result)
    want = next({k: template[k]} for k in ("rendered", "error", "start_error") if k in template)
    return [] if got.keys() == want.keys() and ("rendered" not in want or got == want) else [f"want {want}, got {got}"]


@pytest.mark.parametrize("name", list(parameters()))
def test_case(name: str, problems: dict[str, list[str]]) -> None:
    assert problems[name] == []


def test_every_pending_entry_names_a_case() -> None:
    assert [glob for glob in PENDING if not fnmatch.filter(CASES, glob)] == []
