"""The calls that the documents show, run as they stand against the quickstart."""

import os
import re
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from processes import Gateway, StartFailed, wait_for_rows

ROOT = Path(__file__).parents[2]
DOCUMENTED = "http://127.0.0.1:3000"
PAGES = {
    "readme": ROOT / "README.md",
    "clients": ROOT / "docs" / "clients.md",
    "quickstart": ROOT / "examples" / "quickstart" / "README.md",
}
WALLY = "Wally, the golden retriever, wagged his tail excitedly as he devoured a slice of cheese pizza."


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = (ROOT / "examples" / "quickstart" / "tensorzero.toml").read_text()
    with Gateway(tmp_path_factory.mktemp("quickstart"), config) as running:
        yield running


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page that are marked with the language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page].read_text(), re.MULTILINE | re.DOTALL)
    return [text for mark, text in fenced if mark == language]


PROGRAMS = {
    "readme_openai": ("readme", 0, "Hello"),
    "feedback": ("clients", 0, r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "openai": ("clients", 1, WALLY),
    "tensorzero": ("clients", 2, "Hello"),
}


@pytest.mark.parametrize(("page", "index", "printed"), PROGRAMS.values(), ids=PROGRAMS)
def test_programs(quickstart: Gateway, page: str, index: int, printed: str) -> None:
    program = blocks(page, "python")[index].replace(DOCUMENTED, quickstart.url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(printed, done.stdout.rstrip("\n"))


def test_every_program_is_run() -> None:
    assert {(page, i) for page in PAGES for i in range(len(blocks(page, "python")))} == {
        (page, i) for page, i, _ in PROGRAMS.values()
    }


def posts(page: str) -> list[tuple[str, str]]:
    """Route and body of each `curl` that posts an inference."""
    found = re.findall(rf"curl (?:-N )?{DOCUMENTED}(/inference) -d '([^']+)'", PAGES[page].read_text())
    assert found
    return found


@pytest.mark.parametrize("page", PAGES)
def test_curl_calls(quickstart: Gateway, page: str) -> None:
    for route, body in posts(page):
        with urllib.request.urlopen(quickstart.url + route, body.encode()) as answer:
            said = answer.read().decode()
        if '"stream": true' in body:
            assert "".join(re.findall(r'"text":"([^"]*)"', said)) == WALLY
            assert said.endswith("data: [DONE]\n\n")
        else:
            assert '"content":[{"type":"text","text":"Hello"}]' in said


def test_the_first_error_is_the_one_of_the_readme(tmp_path: Path) -> None:
    table = (
        '[models.gpt]\nrouting = ["openai"]\n[models.gpt.providers.openai]\ntype = "openai"\nmodel_name = "gpt-4.1"\n'
    )
    with pytest.raises(StartFailed) as caught:
        Gateway(tmp_path, table)
    [error] = re.findall(r"ERROR .+", str(caught.value))
    assert blocks("readme", "")[0] == f"{error}\n"


def test_make_run_shows_the_call_of_the_readme() -> None:
    shown = subprocess.run(["make", "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert posts("readme")[0][1] in shown.replace('\\"', '"')


QUERIES = [(page, sql) for page in PAGES for sql in re.findall(r"--data-binary '([^']+)'", PAGES[page].read_text())]


@pytest.mark.parametrize(("page", "sql"), QUERIES, ids=lambda text: text.partition("FROM ")[2] or text)
def test_stored_rows_are_read_as_documented(quickstart: Gateway, page: str, sql: str) -> None:
    """`curl "$(dirname $(cat .t0/store/url))"`: no path, and the password as Basic authentication."""
    input = {"messages": [{"role": "user", "content": "Hi"}]}
    answer = quickstart.post("/inference", {"function_name": "repeat", "input": input})
    quickstart.post("/feedback", {"metric_name": "useful", "value": True, "inference_id": answer["inference_id"]})
    wait_for_rows(quickstart.store_url, "SELECT 1 AS n FROM BooleanMetricFeedback LIMIT 1")
    address = urlsplit(os.path.dirname(quickstart.store_url()))
    secret = b64encode(f"{address.username}:{address.password}".encode()).decode()
    url, headers = f"http://{address.hostname}:{address.port}", {"authorization": f"Basic {secret}"}
    with urllib.request.urlopen(urllib.request.Request(url, sql.encode(), headers)) as rows:
        assert rows.read().startswith(b"Row 1:")
