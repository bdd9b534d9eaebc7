"""Control of single calls and of patterns of keys, and errors for wrong options."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, UnstorableWarning
from outlive._drop_in import DropInCache
from support.files import results


@pytest.fixture(params=["own", "drop-in"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Cache:
    """A cache of either kind, in a file."""
    kind = Cache if request.param == "own" else DropInCache
    return kind(tmp_path / "c.json")


class Result:
    """An object that no file can hold."""


def counted(cache: Cache, **options: Any) -> tuple[Any, list[str]]:
    """Return a function that lists its arguments, and the list of its calls."""
    calls: list[str] = []

    @cache.memoise(**options)
    def items(uri: str, default: int = 0) -> list[str]:
        calls.append(uri)
        return [uri, str(len(calls))]

    return items, calls


def test_peek_shows_what_is_kept_without_computing(cache: Cache) -> None:
    """peek returns a copy of the kept result, or None; it computes and counts nothing."""
    items, calls = counted(cache)
    assert items.peek("a") is None
    items("a").append("mine")
    items.peek("a").append("mine")
    assert items.peek("a") == ["a", "1"]
    assert calls == ["a"]
    assert items.cache_info()[:2] == (0, 1)


def test_a_control_names_the_function_that_its_arguments_do_not_fit() -> None:
    """Wrong arguments raise an error that names the function and, for a method, where the instance goes."""
    cache = Cache(None)

    class Client:
        @cache.memoise(name="get")
        def get(self, uri: str) -> str:
            return uri

    items, _ = counted(cache, name="items")
    with pytest.raises(TypeError, match=r"^items: missing a required argument: 'uri'$"):
        items.peek()
    method: Any = Client().get
    with pytest.raises(
        TypeError, match=r"^get is a method: .*with the instance as the first argument"
    ):
        method.peek("/x")


def test_every_argument_of_a_control_is_the_calls(tmp_path: Path) -> None:
    """A parameter called default, key or result belongs to the function, not to the method."""
    function: Any = Cache(None).memoise(lambda result, default=0, key=1, self=2: [result, default])
    arguments: dict[str, Any] = {"default": 1, "key": 2, "self": 3}
    function.put("put", result=5, **arguments)
    assert function.peek(5, **arguments) == "put"
    assert function.peek(5) is None
    assert function.cache_contains(result=5, **arguments)
    assert function.refresh(5, **arguments) == [5, 1]
    assert function.forget(5, **arguments)


def test_contains_tells_none_from_nothing(cache: Cache) -> None:
    """cache_contains returns whether there is a result, also if it is None."""
    function = cache.memoise(lambda x: None)
    assert not function.cache_contains("a")
    function("a")
    assert function.cache_contains("a")
    assert function.peek("a") is None


def test_put_keeps_what_it_is_given(cache: Cache, tmp_path: Path) -> None:
    """put keeps a copy of a result for the call, in the file, too; the function is not called."""
    items, calls = counted(cache)
    given = ["put"]
    items.put(given, "a")
    given.append("later")
    assert items("a") == items(uri="a") == ["put"]
    items.put(["again"], uri="a")
    assert items("a") == ["again"]
    assert calls == []
    cache.close()
    assert results(tmp_path / "c.json") == {items.cache_key("a"): ["again"]}


def test_forget_drops_one_entry(cache: Cache) -> None:
    """forget drops the entry of one call, also from the file, and returns whether there was one."""
    items, calls = counted(cache)
    items("a"), items("b")
    assert items.forget("a")
    assert not items.forget("a")
    cache.close()
    assert list(cache) == [items.cache_key("b")]
    assert items("a") == ["a", "3"]
    assert calls == ["a", "b", "a"]


def test_refresh_computes_anew(cache: Cache) -> None:
    """refresh computes whatever is kept, and its result replaces the kept one."""
    items, calls = counted(cache)
    items("a")
    assert items.refresh("a") == items("a") == ["a", "2"]
    assert calls == ["a", "a"]


def test_a_refresh_that_fails_leaves_the_old_result(cache: Cache) -> None:
    """When the function raises in refresh, the kept result stays."""
    answers = iter([1])
    function = cache.memoise(lambda x: next(answers))
    assert function("a") == 1
    with pytest.raises(StopIteration):
        function.refresh("a")
    assert function("a") == 1


def test_controls_work_on_unstorable_results(cache: Cache) -> None:
    """peek returns the very object that this process keeps, and forget drops it."""
    function = cache.memoise(lambda x: object())
    with pytest.warns(UnstorableWarning):
        result = function("a")
    assert function.peek("a") is function("a") is result
    assert function.forget("a")
    assert function.peek("a") is None


def test_clearing_a_function_leaves_the_others() -> None:
    """cache_clear forgets one function's entries and counters; names that begin alike stay."""
    cache = Cache(None)
    one, two = (cache.memoise(name=name)(lambda x: x) for name in ("f", "ff"))
    one(1), one(1), two(1)
    one.cache_clear()
    assert list(cache) == [two.cache_key(1)]
    assert one.cache_info()[:4] == (0, 0, None, 0)
    assert two.cache_info()[:4] == (0, 1, None, 1)


@pytest.mark.parametrize("clear", [Cache.clear, lambda cache: cache.forget("*")])
def test_what_was_forgotten_is_freed(cache: Cache, clear: Callable[[Cache], None]) -> None:
    """After everything is forgotten nothing holds a result, not even an idle function."""
    function = cache.memoise(on_unstorable="ignore", copy=False)(lambda x: Result())
    result = weakref.ref(function("a"))
    assert function("a") is function("a") is result()
    clear(cache)
    gc.collect()
    assert result() is None


def test_forgetting_by_pattern(tmp_path: Path) -> None:
    """cache.forget drops all entries whose key matches a glob, and returns how many."""
    cache = Cache(tmp_path / "c.json")
    users, pulls = (
        cache.memoise(name=name)(lambda uri, page=1: uri) for name in ("users", "pulls")
    )
    for uri in ("a/1", "a/2", "b/1"):
        users(uri), pulls(uri)
    assert cache.forget('users(uri="a/*') == 2
    assert cache.forget("users(*") == 1
    assert cache.forget("users(*") == 0
    assert cache.forget('*"[ab]/1"*') == 2
    cache.close()
    assert list(cache) == [pulls.cache_key("a/2")]
    assert cache.forget("*") == 1
    assert len(cache) == 0


def test_patterns_are_case_sensitive_and_cross_lines() -> None:
    """A star matches anything, also a line break; case matters."""
    cache = Cache(None)
    cache["a\nb"] = cache["A"] = 1
    assert cache.forget("a") == 0
    assert cache.forget("a*b") == 1
    assert list(cache) == ["A"]


def test_a_pattern_is_a_text() -> None:
    """forget takes a pattern, and raises if it is given something else."""
    with pytest.raises(TypeError, match="pattern"):
        Cache(None).forget(1)  # type: ignore[arg-type]


def test_forgotten_entries_are_computed_again() -> None:
    """A hit that a table remembers by its arguments is forgotten with its entry."""
    cache = Cache(None)
    calls: list[int] = []
    function = cache.memoise(copy=False)(lambda x: calls.append(x) or x)  # type: ignore[func-returns-value]
    for forget in (
        lambda: cache.forget("*"),
        lambda: function.forget(1),
        lambda: cache.pop(function.cache_key(1)),
        lambda: cache.clear(),
        lambda: function.cache_clear(),
    ):
        function(1), function(1)
        forget()
    assert calls == [1] * 5


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tll": 1}, TypeError, "tll"),
        ({"expire": 1}, TypeError, "expire.*ttl"),
        ({"max_size": 1}, TypeError, "max_size.*maxsize"),
        ({"ttl": "soon"}, ValueError, 'ttl=.*"1h"'),
        ({"ttl": 0}, ValueError, "ttl=.*above zero.*None"),
        ({"ttl": float("nan")}, ValueError, "ttl="),
        ({"ttl": []}, TypeError, "ttl=.*timedelta"),
        ({"ttl": True}, TypeError, "ttl="),
        ({"refresh_after": "x"}, ValueError, "refresh_after="),
        ({"stale_if_error": -1}, ValueError, "stale_if_error="),
        ({"maxsize": 0}, ValueError, "maxsize=.*at least 1"),
        ({"maxsize": "10"}, TypeError, "maxsize=.*whole number"),
        ({"maxsize": True}, TypeError, "maxsize="),
        ({"cache_if": True}, TypeError, "cache_if=.*callable"),
        ({"cache_errors": [KeyError]}, TypeError, "cache_errors=.*dict"),
        ({"cache_errors": {1: 1}}, TypeError, "cache_errors=.*classes"),
        ({"cache_errors": {KeyError: "x"}}, ValueError, "cache_errors="),
        ({"on_unstorable": "shout"}, ValueError, "on_unstorable=.*'warn'"),
        ({"key": "last"}, ValueError, "key=.*'first'.*'all'.*callable"),
        ({"key": 5}, (TypeError, ValueError), "key=.*callable"),
        ({"copy": "no"}, TypeError, "copy=.*True or False"),
        ({"name": 5}, TypeError, "name=.*str"),
        ({"version": object()}, TypeError, "version="),
    ],
)
def test_wrong_options_are_refused_at_once(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A wrong option is refused when the function is decorated; the message says what to write."""
    with pytest.raises(error, match=f"(?s){words}"):
        Cache(None).memoise(**options)(lambda x: x)


@pytest.mark.parametrize("thing", [5, "name", None, ["a"]])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    """Only functions are memoised; options are given by name."""
    with pytest.raises(TypeError, match="takes a function"):
        Cache(None).memoise()(thing)


def test_parameters_show_the_options() -> None:
    """cache_parameters returns what lru_cache's does, and the options that were given."""
    function = Cache(None).memoise(ttl="1h", maxsize=5)(lambda x: x)
    assert function.cache_parameters() == {"maxsize": 5, "typed": True, "ttl": "1h"}
