"""What the tables of hits remember, and for how long."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache


def closure() -> Callable[[str], Any]:
    """A function that closes over a value."""
    host = "example"
    return lambda uri: host and len(uri)


def partial() -> Callable[[str], Any]:
    """A partial of one."""
    return functools.partial(lambda host, uri: len(uri), "example")


def is_remembered(function: Callable[[str], Any]) -> bool:
    """Return whether the table keeps the argument of a call while others are made."""
    argument = "".join(["/", "remembered"])
    before = sys.getrefcount(argument)
    for _ in range(3):
        assert function(argument) == 11
    for other in ("/a", "/b", "/a", "/c"):
        assert function(other) == 2
    return sys.getrefcount(argument) > before


@pytest.mark.parametrize("make", [closure, partial, lambda: lambda uri: len(uri)])
@pytest.mark.parametrize("door", [lambda: DropInCache(None), lambda: Cache(None)])
def test_functions_told_apart_by_more_than_a_name_have_lasting_tables(
    door: Callable[[], Any], make: Callable[[], Callable[[str], Any]]
) -> None:
    """A call that the table cannot answer leaves the rows of the others where they are."""
    assert is_remembered(door().memoise(make()))


def test_filling_a_table_runs_no_code() -> None:
    """A call is recognised without running code of the user."""
    told: list[str] = []

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __str__(self) -> str:
            told.append("asked")
            f("x", other=2)
            return str.__str__(self)

    @Cache().memoise(ignore=("names",))
    def f(key: str, **names: int) -> str:
        return key

    for _ in range(3):
        assert f("x", **{Name("name"): 1}) == "x"
    assert told == []
