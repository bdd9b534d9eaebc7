"""The paths that the guard counts: ``python -m bench.scenes SCENE CALLS`` takes one, so often."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from outlive import Cache

from . import samples

KEY = "https://api.example.org/repos/outlive-cache/outlive"
Scene = Callable[[int], None]


def _answer(uri: str, page: int = 1) -> str:
    return uri


def hit_one_str(calls: int) -> None:
    """One str argument."""
    f = Cache().memoise(_answer)
    for _ in range(calls):
        f(KEY)


def hit_in_a_file(calls: int) -> None:
    """One str argument, of a cache whose file other processes may change."""
    f = Cache(Path(tempfile.mkdtemp()) / "cache.json").memoise(_answer)
    for _ in range(calls):
        f(KEY)


def hit_two_arguments(calls: int) -> None:
    """A str and an int."""
    f = Cache().memoise(_answer)
    for _ in range(calls):
        f(KEY, 7)


def hit_keyword(calls: int) -> None:
    """A str, and an int by name."""
    f = Cache().memoise(_answer)
    for _ in range(calls):
        f(KEY, page=7)


def hit_ttl(calls: int) -> None:
    """A result that grows old."""
    f = Cache().memoise(_answer, ttl="1h")
    for _ in range(calls):
        f(KEY)


def hit_maxsize(calls: int) -> None:
    """A function that keeps some results alone."""
    f = Cache().memoise(_answer, maxsize=1000)
    for _ in range(calls):
        f(KEY)


def hit_copy(calls: int) -> None:
    """A fresh copy of a dict of 2 KB."""
    value = samples.issue()
    f = Cache().memoise(lambda uri: value, name="copy")
    for _ in range(calls):
        f(KEY)


def first_hit(calls: int) -> None:
    """Results of 2 KB that were loaded, each of them once; the file is the same for any number."""
    path = Path(tempfile.mkdtemp()) / "cache.json"
    text = json.dumps(samples.issue())
    path.write_text("{" + ",\n".join(f'"f(number={n})": {text}' for n in range(2_000)) + "}\n")

    def absent(number: int) -> None:
        raise LookupError(number)

    f = Cache(path).memoise(absent, name="f")
    for number in range(calls):
        f(number)


def miss_in_memory(calls: int) -> None:
    """A result of 2 KB that is kept in no file."""
    value = samples.issue()
    f = Cache().memoise(lambda number: value, name="miss")
    for number in range(calls):
        f(number)


def miss(calls: int) -> None:
    """A result of 2 KB, with the journal."""
    value = samples.issue()
    f = Cache(Path(tempfile.mkdtemp()) / "cache.json").memoise(lambda n: value, name="miss")
    for number in range(calls):
        f(number)
    # Without the save at exit, which would be counted too.
    os._exit(0)


SCENES: dict[str, Scene] = {
    scene.__name__.replace("_", " "): scene
    for scene in (
        hit_one_str,
        hit_in_a_file,
        hit_two_arguments,
        hit_keyword,
        hit_ttl,
        hit_maxsize,
        hit_copy,
        first_hit,
        miss_in_memory,
        miss,
    )
}

if __name__ == "__main__":
    SCENES[sys.argv[1]](int(sys.argv[2]))
