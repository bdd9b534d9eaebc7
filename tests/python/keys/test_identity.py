"""Functions of one name: closures, lambdas, bound methods, later functions of a name."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, KeyCollisionWarning
from support.programs import Scripts

# A warning is an error unless a test expects it.
pytestmark = pytest.mark.filterwarnings("error")


def reporter(cache: Cache, host: str) -> Any:
    """Return a function that closes over ``host``."""

    @cache.memoise
    def get(uri: str) -> str:
        return host + uri

    return get


def test_closures_are_told_apart() -> None:
    """Functions that close over different values have different entries, whatever is still alive."""
    cache = Cache(None)
    assert reporter(cache, "a")("/x") == "a/x"
    gc.collect()
    assert reporter(cache, "b")("/x") == "b/x"
    assert reporter(cache, "a").cache_contains("/x")


def test_closures_are_told_apart_in_later_runs(tmp_path: Path) -> None:
    """A later run that closes over the same value finds the entry, one with another does not."""
    said = [Scripts(tmp_path).output(REPORT, host) for host in ("a", "a", "b")]
    assert said == ["computed a/x\n", "a/x\n", "computed b/x\n"]


REPORT = """
    import sys
    from outlive import Cache

    def report(host):
        @Cache("c.json").memoise
        def get(uri):
            print("computed", end=" ")
            return host + uri
        return get("/x")

    print(report(sys.argv[1]))
"""


def test_what_is_closed_over_never_stands_in_a_key() -> None:
    """A secret or a megabyte in a closure is a salted digest of eight characters in the key."""
    secret = "ghp_" + "x" * 100_000
    key = reporter(Cache(None), secret).cache_key("/x")
    assert "ghp_" not in key
    assert len(key) < 200
    other = reporter(Cache(None), secret).cache_key("/x")
    assert key != other, "each file has a salt of its own"


def test_a_cell_that_changes_makes_another_key() -> None:
    """The closure counts as of the call, in hits, too."""
    cache = Cache(None)
    host = "a"

    @cache.memoise
    def get(uri: str) -> str:
        return host + uri

    assert [get("/x"), get("/x"), get("/x")] == ["a/x"] * 3
    host = "b"
    assert [get("/x"), get("/x"), get("/x")] == ["b/x"] * 3
    host = "a"
    assert get("/x") == "a/x"
    assert get.cache_info().misses == 2


def test_the_state_of_a_function_is_no_part_of_its_key() -> None:
    """A counter that a function sets, or a list that it appends to, makes no difference."""
    cache = Cache(None)
    count, seen = 0, []

    @cache.memoise
    def get(uri: str) -> int:
        nonlocal count
        count += 1
        seen.append(uri)
        return count

    assert [get("/x"), get("/x"), get("/y"), get("/x")] == [1, 1, 2, 1]
    assert get.cache_key("/x").endswith('get(uri="/x")')


def test_clients_in_a_closure_are_passed_over() -> None:
    """An object without a text of its own, such as a client, is not part of the key."""
    client = object()

    @Cache(None).memoise
    def get(uri: str) -> object:
        return (client, uri)[1]

    assert get.cache_key("/x").endswith('get(uri="/x")')


def test_wrappers_that_close_over_values_are_told_apart() -> None:
    """A decorator's own arguments tell two functions apart that it wraps under one name."""

    def on(host: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
        def decorate(function: Callable[[str], str]) -> Callable[[str], str]:
            @functools.wraps(function)
            def wrapper(uri: str) -> str:
                return function(host + uri)

            return wrapper

        return decorate

    def get(uri: str) -> str:
        return uri

    cache = Cache(None)
    first, second = cache.memoise(on("a")(get)), cache.memoise(on("b")(get))
    assert [first("/x"), second("/x"), first("/x")] == ["a/x", "b/x", "a/x"]


def test_lambdas_are_told_apart_by_their_bodies() -> None:
    """Two lambdas of one module never share an entry, also when the first is gone."""
    cache = Cache(None)
    assert cache.memoise(lambda x: x + 1)(3) == 4
    gc.collect()
    assert cache.memoise(lambda x: x * 2)(3) == 6
    assert cache.memoise(lambda x: x + 1).cache_contains(3)


def test_functions_named_underscore_are_told_apart_by_their_bodies() -> None:
    """``def _`` under ``singledispatch`` is one function for each type, and nothing warns."""
    cache = Cache(None)

    @functools.singledispatch
    def size(value: object) -> str:
        return "object"

    @size.register
    @cache.memoise
    def _(value: int) -> str:
        return "int"

    @size.register
    @cache.memoise
    def _(value: bool) -> str:
        return "bool"

    assert [size(1), size(True), size(1)] == ["int", "bool", "int"]


def test_an_older_function_that_is_still_called_warns() -> None:
    """Of two functions of one name, the older warns when it is called, and keeps its own entries."""
    cache = Cache(None)

    def same(x: int) -> int:
        return x

    first = cache.memoise(same)
    assert first(1) == 1

    def same(x: int) -> int:  # type: ignore[no-redef]
        return -x

    second = cache.memoise(same)
    assert second(2) == -2
    with pytest.warns(
        KeyCollisionWarning, match=r"same.*another function of this name.*name=.*import it again"
    ):
        assert first(2) == 2
    assert [first(2), second(2)] == [2, -2]


def test_a_function_that_is_defined_anew_warns_of_nothing() -> None:
    """A cell that is run again, or a module that is loaded again, replaces the function."""
    cache = Cache(None)
    names: dict[str, Any] = {"cache": cache, "__name__": "cells"}
    for factor in (2, 3):
        source = f"@cache.memoise\ndef times(x): return x * {factor}"
        exec(source, names)
    assert names["times"](5) == 15


class Client:
    """An API client that is identified by its host."""

    def __init__(self, host: str) -> None:
        self.host = host

    def __memo_key__(self) -> str:
        return self.host

    def get(self, uri: str) -> str:
        return self.host + uri


def test_bound_methods_are_told_apart_by_their_instance() -> None:
    """``self.get = cache.memoise(self.get)`` keeps the results of each instance, also with name=."""
    cache = Cache(None)
    for name in (None, "get"):
        gets = [cache.memoise(Client(host).get, name=name) for host in ("a", "b", "a")]
        assert [get("/x") for get in gets] == ["a/x", "b/x", "a/x"]


def test_the_entries_of_a_closure_are_its_own() -> None:
    """Clearing and counting one closure leaves the others of its name alone."""
    cache = Cache(None)
    first, second = reporter(cache, "a"), reporter(cache, "b")
    first("/x"), second("/x"), second("/y")
    assert [f.cache_info().currsize for f in (first, second)] == [1, 2]
    first.cache_clear()
    assert [f.cache_info().currsize for f in (first, second)] == [0, 2]
