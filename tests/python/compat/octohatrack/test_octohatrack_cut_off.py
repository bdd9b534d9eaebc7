"""Real octohatrack cut off in the middle: by the rate limit, a broken connection, a signal; and then run again."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest

from compat.octohatrack.tool import NEWEST, Decorator, Run, Tool, with_its_own_decorator
from compat.octohatrack.versions import VERSIONS
from fake_github import Answer
from support.github import PLAIN, Trouble, TroubledGitHub, bad_gateway, hang_up

Result = TypeVar("Result")

#: As many as a run of the newest version makes in demo/small.
CALLS = 47
#: With 2 calls a run, octohatrack never gets on: it throws away the second one, which says `remaining: 0`, and a
#: person not seen before takes two in a row.
LEAST_LIMIT = 3


def kept(calls: list[str]) -> set[str]:
    """The calls of a run, cut off at the last of them, whose results octohatrack's functions had returned.

    The others are the last one and what its function had asked before, which octohatrack asks again with any
    memoiser: the thread whose author was looked up, or the first pages of a listing.
    """
    *answered, last = calls
    if last.startswith("/users/") and answered and re.search(r"/(issues|pulls)/\d+$", answered[-1]):
        answered.pop()
    if "page=" in last and "/comments?" in last:
        answered = [call for call in answered if call.split("?")[0] != last.split("?")[0]]
    return set(answered)


def without(calls: list[str], known: set[str]) -> list[str]:
    """Return the calls that were not known."""
    return [call for call in calls if call not in known]


def two_at_a_time(work: Callable[[int], Result], numbers: Iterable[int]) -> list[Result]:
    """Each piece has a server and a folder of its own; most of the time goes by in the processes."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, numbers))


def cut_off(
    number: int, trouble: Trouble = hang_up, decorator: Decorator = "outlive"
) -> tuple[Run, Run]:
    """A run that meets `trouble` at call `number`, and the next one, which meets none."""
    with TroubledGitHub() as github, TemporaryDirectory() as folder:
        tool = Tool(Path(folder), github, decorator=decorator)
        github.troubles[number] = trouble
        first = tool.run()
        github.troubles.clear()
        return first, tool.run()


def signalled(number: int, name: signal.Signals) -> tuple[Run, Run]:
    """A run that gets a signal when it makes call `number`, and the next one, which gets none."""
    process: Future[Popen[str]] = Future()

    def strike() -> Answer:
        os.kill(process.result(timeout=60).pid, name)
        return hang_up()

    with TroubledGitHub() as github, TemporaryDirectory() as folder:
        tool = Tool(Path(folder), github)
        github.troubles[number] = strike
        first = tool.run(on_start=process.set_result)
        github.troubles.clear()
        return first, tool.run()


def limited_runs(limit: int, version: str = NEWEST, *arguments: str) -> list[Run]:
    """Runs of `limit` calls each, until one ends well."""
    runs: list[Run] = []
    with TroubledGitHub() as github, TemporaryDirectory() as folder:
        while not runs or runs[-1].status != 0:
            assert len(runs) <= CALLS, runs[-1].errors or runs[-1].calls
            github.new_window(limit)
            runs.append(Tool(Path(folder), github, version).run(*arguments))
    return runs


def assert_nothing_kept_is_asked_again(runs: list[Run], whole: Run) -> None:
    """Each run begins with the first call whose answer is not there yet, and goes on as an undisturbed one would."""
    known: set[str] = set()
    for run in runs:
        assert run.calls == without(whole.calls, known)[: len(run.calls)]
        known |= kept(run.calls) if run.status else set(run.calls)
    assert known == set(whole.calls)
    assert runs[-1].report == whole.report


def test_every_rate_limit() -> None:
    """A run ended by the rate limit, repeated until it is done, ends with the same answer at every limit."""
    whole = with_its_own_decorator(NEWEST, PLAIN)
    limits = range(LEAST_LIMIT, len(whole.calls) + 2)
    for runs in two_at_a_time(lambda limit: limited_runs(limit, NEWEST, PLAIN), limits):
        assert_nothing_kept_is_asked_again(runs, whole)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rate_limit_with_every_version(version: str) -> None:
    """Of every version of octohatrack, runs of 12 calls each end with the answer of an undisturbed one."""
    runs = limited_runs(12, version, PLAIN)
    assert_nothing_kept_is_asked_again(runs, with_its_own_decorator(version, PLAIN))


def test_the_tool_says_why_it_stopped() -> None:
    """At the rate limit, octohatrack prints its own message and nothing else is said."""
    first, _ = limited_runs(40)
    assert (first.status, first.errors) == (1, "")
    assert "You have run out of GitHub request tokens." in first.output


def test_every_single_cut() -> None:
    """A run whose connection breaks at any one of its calls leaves a cache from which the next one ends well."""
    whole = with_its_own_decorator()
    assert len(whole.calls) == CALLS
    for first, second in two_at_a_time(cut_off, range(1, CALLS + 1)):
        assert (first.status, second.status) == (1, 0)
        assert_nothing_kept_is_asked_again([first, second], whole)


def test_the_original_is_poisoned_where_outlive_is_not() -> None:
    """Four of those cuts leave the original decorator with a file that ends every later run in a KeyError."""
    calls = with_its_own_decorator().calls
    cuts = [
        number for number in range(2, CALLS + 1) if set(calls[: number - 1]) != kept(calls[:number])
    ]
    poisoned = [number for number in cuts if calls[number - 1].startswith("/users/")]
    assert len(poisoned) == 4
    for first, second in two_at_a_time(
        lambda number: cut_off(number, decorator="original"), poisoned
    ):
        assert (first.status, second.status) == (1, 1)
        assert second.errors.endswith("KeyError: 'user_name'\n")


@pytest.mark.parametrize("number", [1, 11, 30])
def test_a_bad_gateway(number: int) -> None:
    """An answer that is no answer ends the run with octohatrack's own error, and is not kept."""
    first, second = cut_off(number, bad_gateway)
    assert first.status == 1
    assert_nothing_kept_is_asked_again([first, second], with_its_own_decorator())


@pytest.mark.parametrize("number", [2, 11, 25, 45])
@pytest.mark.parametrize(
    "name", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda name: name.name
)
def test_signals(number: int, name: signal.Signals) -> None:
    """No answer is asked for twice, whether the run was ended by Ctrl-C, by a polite signal or by SIGKILL."""
    first, second = signalled(number, name)
    assert first.status == -name
    assert_nothing_kept_is_asked_again([first, second], with_its_own_decorator())
