"""Results that can be used only once are not kept, wherever in a result they are."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import io
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from outlive import Cache, UnstorableWarning
from support.programs import untyped
from support.threads import STUCK, Worker


@contextlib.contextmanager
def connection(name: str) -> Iterator[str]:
    """A context manager that can be entered once."""
    yield name


@contextlib.asynccontextmanager
async def aconnection(name: str) -> AsyncIterator[str]:
    """The same for ``async with``."""
    yield name


def scratch(text: str) -> Any:
    """A temporary file."""
    file = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115 - the test is about it
    file.write(text)
    file.seek(0)
    return file


def entered(manager: Any) -> Any:
    """What a context manager gives."""
    with manager as given:
        return given


def aentered(manager: Any) -> Any:
    """The same of an asynchronous one."""

    async def enter() -> Any:
        async with manager as given:
            return given

    return asyncio.run(enter())


@dataclasses.dataclass
class Page:
    """A part of a listing."""

    rows: Any


@dataclasses.dataclass
class SlottedPage:
    """The same in a slot."""

    __slots__ = ("rows",)

    rows: Any


USES: dict[str, tuple[Any, Any, str]] = {
    "an iterator in a tuple": (
        lambda: (2, map(str, "ab")),
        lambda r: list(r[1]),
        r"result\[1\]: map",
    ),
    "a generator in a dict": (
        lambda: {"rows": (c for c in "ab")},
        lambda r: list(r["rows"]),
        r"result\['rows'\]: generator",
    ),
    "a context manager": (lambda: connection("db"), entered, "GeneratorContextManager"),
    "an async one": (lambda: aconnection("db"), aentered, "AsyncGeneratorContextManager"),
    "a temporary file": (lambda: scratch("hello"), lambda r: r.read(), "TemporaryFile"),
    "a temporary folder": (
        tempfile.TemporaryDirectory,
        lambda r: r.cleanup() or len(r.name),
        "TemporaryDirectory",
    ),
    "a stack of context managers": (
        contextlib.ExitStack,
        lambda r: entered(r) is r,
        "ExitStack",
    ),
    "a generator in an object": (
        lambda: types.SimpleNamespace(rows=(c for c in "ab")),
        lambda r: list(r.rows),
        r"result\.rows: generator",
    ),
    "a generator in a dataclass": (
        lambda: Page(c for c in "ab"),
        lambda r: list(r.rows),
        r"result\.rows: generator",
    ),
    "a generator in a slot": (
        lambda: [SlottedPage(c for c in "ab")],
        lambda r: list(r[0].rows),
        r"result\[0\]\.rows: generator",
    ),
    "an iterator in a deque": (
        lambda: collections.deque([iter("ab")]),
        lambda r: list(r[0]),
        r"result\[0\]: str_",
    ),
    "a response that was not read": (
        lambda: httpx.Response(200, content=iter([b"ab"])),
        lambda r: r.read(),
        "httpx.Response",
    ),
    "an open file": (lambda: io.StringIO("hello"), lambda r: r.read(), "StringIO"),
}


@pytest.mark.parametrize("case", USES)
def test_what_is_used_up_is_not_kept(case: str) -> None:
    """Each call computes, and one warning names the part that can be used only once."""
    make, use, named = USES[case]
    f = Cache(None).memoise(lambda x: make())
    with pytest.warns(UnstorableWarning, match=f"used only once .*{named}") as told:
        assert use(f(1)) == use(f(1))
    assert [warning.category for warning in told].count(UnstorableWarning) == 1


class Client:
    """Holds a counter and an open file, and can be used any number of times."""

    def __init__(self) -> None:
        self.numbers = iter(range(10))
        self.log = io.StringIO()


def test_objects_that_hold_files_are_kept() -> None:
    """A client that writes a log or counts its requests is one object for all calls of this process."""
    f = Cache(None).memoise(lambda x: Client(), on_unstorable="ignore", copy=False)
    assert f(1) is f(1)


def test_finished_processes_are_kept() -> None:
    """The output of a finished process can be read any number of times."""
    f = Cache(None).memoise(on_unstorable="ignore")(
        lambda x: subprocess.run([sys.executable, "-c", ""], capture_output=True, check=True)
    )
    assert untyped(f(1)).stdout == untyped(f(1)).stdout == b""
    assert f.cache_info().misses == 1


def test_nobody_waits_for_what_is_used_up() -> None:
    """Once a result was used up, calls of one key compute side by side."""
    side_by_side = threading.Barrier(3)

    @Cache(None).memoise(on_unstorable="ignore")
    def rows(key: str) -> Iterator[str]:
        if key == "all":
            side_by_side.wait(STUCK)
        return iter(key)

    rows("first")
    workers = [Worker(rows, "all") for _ in range(3)]
    assert [list(worker.result()) for worker in workers] == [["a", "l", "l"]] * 3
