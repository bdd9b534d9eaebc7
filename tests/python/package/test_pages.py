"""The examples in README.md and docs/ are run, and everything that pages name exists."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from fake_github import FakeGitHub
from support.pages import ROOT, Block, blocks, pages
from support.programs import Scripts

GITHUB = "https://api.github.com"
ISSUES = {
    f"/repos/psf/requests/issues/{number}": {"number": number, "title": f"Issue {number}"}
    for number in range(1, 61)
}
BLOCKS = [block for page in pages() for block in blocks(page)]
_README, _DOCS = ROOT / "README.md", ROOT / "docs"
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
_REPOSITORY = "https://github.com/outlive-cache/outlive/blob/main/"


@pytest.fixture(scope="module")
def api() -> Iterator[FakeGitHub]:
    """Stands in for the API that the pages call."""
    with FakeGitHub(ISSUES) as server:
        yield server


def run(script: Scripts, block: Block, api: FakeGitHub) -> str:
    """Run a block, which must end without output on stderr; return what it printed."""
    script.name = "shop.py"
    source = block.script.replace(GITHUB, api.url)
    return script.output(source, PYTHONWARNINGS="error", NO_PROXY="127.0.0.1")


def is_installed(name: str) -> bool:
    """Say whether a package is there: some have no release for the oldest Python."""
    return importlib.util.find_spec(name) is not None


RUNNABLE = [block for block in BLOCKS if all(map(is_installed, block.imports))]


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_what_a_page_shows_is_true(block: Block, script: Scripts, api: FakeGitHub) -> None:
    """Every Python block runs without a warning; the values and the output are those that the page shows."""
    printed = run(script, block, api)
    if GITHUB not in block.code:
        assert printed.splitlines() == block.prints


def test_the_first_example_calls_once(script: Scripts, api: FakeGitHub) -> None:
    """The first program of the README makes its requests in the first run and none in the second, as the table beside it says."""
    first = next(blocks(_README))
    shown = re.findall(r"`(60 issues[^`]+)`", _README.read_text(encoding="utf-8"))
    printed = [run(script, first, api).strip() for _ in range(2)]
    seconds = re.compile(r"[\d.]+ seconds$")
    assert [seconds.sub("", line) for line in printed] == [seconds.sub("", line) for line in shown]


def test_the_pages_show_something() -> None:
    """The README and the pages have blocks, and most of them show values."""
    assert len(BLOCKS) >= 8
    assert sum(block.shows for block in BLOCKS) >= 30


def test_no_example_is_left_out() -> None:
    """Each block of Python is one that runs: none has another name for the language."""
    texts = {str(page): page.read_text(encoding="utf-8") for page in pages()}
    odd = re.compile(r"^ *```(py|pycon|python [^\n]*)$|^    >>> ", re.MULTILINE)
    assert [page for page, text in texts.items() if odd.search(text)] == []


def test_the_readme_is_short() -> None:
    """The README has at most 900 words, in lines of at most 120 characters."""
    text = _README.read_text(encoding="utf-8")
    assert len(text.split()) <= 900
    assert [line for line in text.splitlines() if len(line) > 120] == []


@cache
def rust_tests() -> str:
    """The text of all Rust tests."""
    files = [*(ROOT / "tests" / "rust").rglob("*.rs"), *(ROOT / "src").rglob("*.rs")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@cache
def python_tests() -> str:
    """The text of all Python tests."""
    files = (ROOT / "tests" / "python").rglob("*.py")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_promise_names_a_test(page: Path) -> None:
    """Each test, file and folder of the source that a page names exists."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(test_\w+)`", text))
    assert {name for name in named if f"def {name}(" not in python_tests()} == set()
    rust = set(re.findall(r"`\w+::([a-z_]+)`", text)) - {
        "quick",
        "any",
        "slow",
        "recorder",
        "keeper",
    }
    assert {name for name in rust if f"fn {name}(" not in rust_tests()} == set()
    paths = set(re.findall(r"`((?:src|tests|docs|python|examples|tools)/[\w./-]+)`", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_what_survives_what_has_its_tests() -> None:
    """The table of all that results survive names a test in nearly every line."""
    text = (_DOCS / "what-survives-what.md").read_text(encoding="utf-8")
    assert len(set(re.findall(r"`(test_\w+)`", text))) >= 20


def targets(page: Path) -> Iterator[str]:
    """What a page links to."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for found in _LINK.finditer(text):
        yield found[1] or found[2]


@cache
def anchors(page: Path) -> set[str]:
    """The names of the headings of a page, as GitHub and myst-parser make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", [*pages(), *ROOT.glob("[CS]*.md"), ROOT / "llms.txt"], ids=lambda page: page.stem
)
def test_links_lead_somewhere(page: Path) -> None:
    """Links within the project lead to existing files, and to their headings."""
    lost = []
    for target in targets(page):
        path, _, anchor = target.removeprefix(_REPOSITORY).partition("#")
        if "://" in path:
            continue
        base = ROOT if target.startswith(_REPOSITORY) else page.parent
        file = (base / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_the_readme_has_absolute_links() -> None:
    """A package index shows the README without the files beside it."""
    assert [target for target in targets(_README) if "://" not in target] == []
