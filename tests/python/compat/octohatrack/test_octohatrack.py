"""Real octohatrack with `from outlive import memoise` in the place of its own decorator, and nothing else changed."""

from __future__ import annotations

import ast
import json
from itertools import takewhile
from pathlib import Path

import pytest

from compat.octohatrack.runner.swap import swapped
from compat.octohatrack.tool import Decorator, Tool, with_its_own_decorator
from compat.octohatrack.versions import VERSIONS, folder_of
from support.github import EMPTY, PLAIN, SMALL, TroubledGitHub

#: Those before end in a TypeError of their own at a deleted account, whatever memoises.
KNOW_DELETED_ACCOUNTS = ("0.5.0", "0.5.1", "0.6.0", "0.6.1")
#: 0.3.0 has no such option yet.
HAVE_NO_CACHE = [version for version in VERSIONS if version != "0.3.0"]

every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def tool(tmp_path: Path, github: TroubledGitHub) -> Tool:
    """The newest version, with outlive."""
    return Tool(tmp_path, github)


def repository_for(version: str) -> str:
    """The richest repository that `version` can read at all."""
    return SMALL if version in KNOW_DELETED_ACCOUNTS else PLAIN


def shared(some: list[str], others: list[str]) -> int:
    """With how many equal lines the two begin."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False))))


@every_version
def test_one_line_takes_the_place_of_the_decorator(version: str) -> None:
    """`from outlive import memoise` stands where octohatrack had a decorator of its own; all else stays as it was."""
    source = (folder_of(version) / "octohatrack" / "helpers.py").read_text(encoding="utf-8")
    before = ast.unparse(ast.parse(source)).splitlines()
    after = ast.unparse(swapped(ast.parse(source))).splitlines()
    head, tail = shared(before, after), shared(before[::-1], after[::-1])
    assert [line.strip() for line in after[head : len(after) - tail]] == [
        "from outlive import memoise"
    ]
    gone = "\n".join(before[head : len(before) - tail])
    assert all(
        name in gone
        for name in ("cache = {}", "json.load", "json.dump", "atexit.register", "def memoise")
    )


@every_version
def test_says_the_same_and_asks_the_same(tool: Tool, version: str) -> None:
    """Octohatrack gives the same answer after the same calls, whichever decorator it has."""
    run = tool.using(version=version).run(repository_for(version))
    original = with_its_own_decorator(version, repository_for(version))
    assert (run.status, run.report, run.calls) == (0, original.report, original.calls)


@every_version
def test_the_second_run_makes_no_call(tool: Tool, version: str) -> None:
    """What one run has asked, the next one knows."""
    first, second = [tool.using(version=version).run(repository_for(version)) for _ in range(2)]
    assert (second.status, second.report, second.calls) == (0, first.report, [])


@every_version
def test_a_database_does_what_the_file_does(tool: Tool, version: str) -> None:
    """Over a database it gives the same answer after the same calls, and the next run makes none."""
    tool = tool.using(version=version, decorator="database")
    first, second = [tool.run(repository_for(version)) for _ in range(2)]
    original = with_its_own_decorator(version, repository_for(version))
    assert (first.status, first.report, first.calls) == (0, original.report, original.calls)
    assert (second.status, second.report, second.calls) == (0, original.report, [])
    assert [path.name for path in tool.folder.iterdir()] == ["cache_file.db"]


@pytest.mark.parametrize("version", KNOW_DELETED_ACCOUNTS)
def test_nothing_on_stderr(tool: Tool, version: str) -> None:
    """A program that went well sees no warning, neither in the run that computes nor in the one that remembers."""
    assert [tool.using(version=version).run().errors for _ in range(2)] == ["", ""]


@every_version
@pytest.mark.parametrize(("writer", "reader"), [("original", "outlive"), ("outlive", "original")])
def test_each_reads_the_file_of_the_other(
    tool: Tool, version: str, writer: Decorator, reader: Decorator
) -> None:
    """A `cache_file.json` serves either decorator, whichever wrote it, and again after the other one saved it."""
    tool = tool.using(version=version)
    decorators: list[Decorator] = [writer, reader, writer]
    runs = [
        tool.using(decorator=decorator).run(repository_for(version)) for decorator in decorators
    ]
    assert [(run.status, len(run.calls)) for run in runs[1:]] == [(0, 0), (0, 0)]
    assert {run.report for run in runs} == {
        with_its_own_decorator(version, repository_for(version)).report
    }


def test_the_original_reads_the_file_in_an_ascii_locale(tool: Tool) -> None:
    """The file is ASCII: a reader that opens text in the locale's encoding sees every name in it."""
    run = tool.run()
    ascii_only = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "utf-8",
    }
    again = tool.using(decorator="original", environment=ascii_only).run()
    assert (again.report, again.calls) == (run.report, [])


def test_none_false_and_empty_are_results(tool: Tool) -> None:
    """A call that answered None, False or an empty list is not made again."""
    runs = [tool.run(repository) for repository in (SMALL, EMPTY, "demo/none") * 2]
    stored = tool.stored()
    assert stored[f"/repos/{SMALL}/pulls/1"] is None
    assert stored["demo/none"] is False
    assert stored[f"/repos/{EMPTY}/issues?state=all"] == []
    assert [len(run.calls) for run in runs[3:]] == [0, 0, 0]
    assert [run.report for run in runs[3:]] == [run.report for run in runs[:3]]


def test_a_deleted_account_and_a_missing_name_stay_what_they_are(tool: Tool) -> None:
    """The file holds the answers as they came, though octohatrack fills the gaps in what it was given."""
    tool.run()
    stored = tool.stored()
    assert stored["/users/gus"]["name"] is None
    assert stored["/users/renamed"] is None
    assert stored["/users/Wiki Only 📖"] is None
    assert stored["/users/emil"]["name"] == "Emil 🚀 Ünal"


def test_the_outer_of_two_nested_calls_is_kept(tool: Tool) -> None:
    """Of two functions that share a key, one calling the other, the cache has the outer one's result."""
    tool.run()
    assert tool.stored()[f"/repos/{SMALL}/issues/1"] == {
        "user_name": "dora",
        "name": "Dora Ångström",
    }


@pytest.mark.parametrize("version", HAVE_NO_CACHE)
def test_no_cache_stays_an_option_of_the_tool(tool: Tool, version: str) -> None:
    """With `--no-cache` octohatrack makes every call each time, and no file appears."""
    arguments = (repository_for(version), "--no-cache")
    runs = [tool.using(version=version).run(*arguments) for _ in range(2)]
    original = with_its_own_decorator(version, *arguments)
    assert [run.calls for run in runs] == [original.calls, original.calls]
    assert list(tool.folder.iterdir()) == []


def test_no_cache_leaves_a_file_alone(tool: Tool) -> None:
    """A run with `--no-cache` changes nothing for the runs without it."""
    tool.run()
    before = tool.cache_file.read_bytes()
    tool.run(SMALL, "--no-cache")
    assert tool.cache_file.read_bytes() == before


@pytest.mark.parametrize("version", ["0.3.0", "0.6.1"])
def test_adding_to_a_result_does_not_grow_the_cache(tool: Tool, version: str) -> None:
    """A caller may do with a result what it likes: the next one gets what was computed, and so does the file."""
    uri = f"/repos/{SMALL}/issues/3/comments"
    run = tool.using(version=version, program="compat.octohatrack.runner.growth").run(uri)
    assert json.loads(run.output.splitlines()[-1]) == [105, 105, 105, 105]
    assert len(tool.stored()[uri]) == 105


@pytest.mark.parametrize("version", ["0.3.1", "0.6.1"])
def test_eight_threads_make_the_calls_of_one(tmp_path: Path, version: str) -> None:
    """Threads that want the same results at the same time share each call, and all of them get the right ones."""
    calls, lines = {}, {}
    for number in (1, 8):
        # Slow enough for all eight to meet at each call.
        with TroubledGitHub(latency=0.005) as github:
            tool = Tool(
                tmp_path / str(number), github, version, program="compat.octohatrack.runner.threads"
            )
            run = tool.run(repository_for(version), str(number))
        calls[number], lines[number] = sorted(run.calls), run.output.splitlines()[-number:]
    assert lines[8] == lines[1] * 8
    assert calls[8] == calls[1]
