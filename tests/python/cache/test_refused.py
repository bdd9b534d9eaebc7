"""Mistakes that raise an error, instead of doing nothing or something else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

import outlive
from outlive import Cache
from outlive._drop_in import DropInCache
from support.programs import untyped

cache: Any = Cache(None)


def function(x: int) -> int:
    """A function to be memoised."""
    return x


UNKNOWN: dict[str, tuple[Callable[[], Any], str]] = {
    "a word of others": (lambda: untyped(Cache)(file="x.json"), "did you mean path"),
    "half a word": (lambda: untyped(Cache)(durable=True), "did you mean durability"),
    "a slip": (lambda: cache.memoise(on_unstorabel="warn"), "did you mean on_unstorable"),
    "of functions": (lambda: untyped(Cache)(version=2), "give it to memoise"),
    "of caches": (lambda: cache.memoise(mode="off"), r"give it to Cache\(\.\.\.\)"),
    "nothing like it": (lambda: cache.memoise(zzz=1), r"there are: .*cache_errors, .* version, "),
    "what always holds": (lambda: cache.memoise(typed=True), "apart: leave it out"),
    "of configure": (lambda: untyped(outlive.configure)(path="x"), "did you mean file"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_unknown_options_name_the_one_that_was_meant(case: str) -> None:
    """An unknown option is a TypeError that names the intended option, or lists all."""
    call, words = UNKNOWN[case]
    with pytest.raises(TypeError, match=words):
        call()


class Thing:
    """A class that somebody decorates."""


WRONG_TARGETS: dict[str, tuple[Callable[[], Any], str]] = {
    "a class": (lambda: cache.memoise(Thing), "not the class Thing"),
    "a number": (lambda: cache.memoise(128), "did you mean maxsize=128"),
    "the cache itself": (lambda: cache(function), "write @cache.memoise"),
}


@pytest.mark.parametrize("case", WRONG_TARGETS)
def test_what_cannot_be_decorated_is_told(case: str) -> None:
    """A class, a number of entries and ``@cache`` are TypeErrors that say what to write."""
    call, words = WRONG_TARGETS[case]
    with pytest.raises(TypeError, match=words):
        call()


MEANINGLESS: list[tuple[dict[str, Any], str]] = [
    ({"stale_if_error": "1h"}, "stale_if_error= does nothing without ttl="),
    ({"ttl": 60, "refresh_after": 60}, "refresh_after= must be shorter than ttl="),
    ({"ttl": "1m", "refresh_after": "1h"}, "refresh_after= must be shorter than ttl="),
]


@pytest.mark.parametrize(("given", "words"), MEANINGLESS)
def test_options_that_mean_nothing_together_are_refused(given: dict[str, Any], words: str) -> None:
    """An option that has no effect beside the others is a ValueError at the decoration."""
    with pytest.raises(ValueError, match=words):
        cache.memoise(**given)


@pytest.mark.parametrize("option", ["ignore", "secret"])
def test_what_a_callable_key_does_not_look_at_is_refused(option: str) -> None:
    """Beside a callable that makes the whole key, ignore= and secret= are TypeErrors."""
    with pytest.raises(TypeError, match=f"{option}= does nothing beside a callable"):
        cache.memoise(key=lambda x: x, **{option: ("x",)})(function)


def test_a_default_that_does_nothing_for_one_function_is_no_mistake() -> None:
    """Defaults of a cache that have no effect for a function without a ttl are ignored."""
    assert Cache(None, stale_if_error="1h").memoise(function)(1) == 1


def test_the_mode_cannot_be_set_by_hand() -> None:
    """``cache.mode = "off"`` is an AttributeError that names ``set_mode``."""
    with pytest.raises(AttributeError, match=r"cache\.set_mode\('off'\)"):
        cache.mode = "off"


def test_limits_are_set_and_taken_back_one_by_one(drop_in: DropInCache) -> None:
    """Changing one limit leaves the other; None removes one."""
    drop_in.limit(maxsize=2)
    drop_in.limit(max_bytes=100_000)
    memoised = drop_in.memoise(function)
    for number in range(5):
        memoised(number)
    assert len(drop_in) == 2
    drop_in.limit(maxsize=None)
    for number in range(5):
        memoised(number)
    assert len(drop_in) == 5


async def later(*_args: Any) -> Any:
    """Answer when it is awaited."""


class Later:
    """An object whose calls are awaited."""

    __call__ = later


def of_memoise(option: str) -> Callable[[Any], Any]:
    """Return what gives a callable as an option of memoise."""
    return lambda given: cache.memoise(**{option: given})(function)


CALLED: dict[str, Callable[[Any], Any]] = {
    **{name: of_memoise(name) for name in ("cache_if", "ttl", "key", "tags", "meta", "cost")},
    "cache_errors": lambda given: cache.memoise(cache_errors={KeyError: given})(function),
    "dump": lambda given: outlive.register(Thing, dump=given, load=function),
    "load": lambda given: outlive.register(Thing, dump=function, load=given),
    "on_hit": lambda given: Cache(None, on_hit=given),
    "clock": lambda given: Cache(None, clock=given),
    "progress": lambda given: cache.memoise(function).map([1], progress=given),
}


@pytest.mark.parametrize("given", [later, functools.partial(later, 1), Later()], ids=type)
@pytest.mark.parametrize("option", CALLED)
def test_a_callable_that_is_awaited_is_refused(option: str, given: Any) -> None:
    """What an ``async def`` function returns is a coroutine: true, and never awaited."""
    with pytest.raises(TypeError, match=f"{option}= takes a callable that returns its answer"):
        CALLED[option](given)


WORDS: dict[str, tuple[Callable[[], Any], str]] = {
    "a class without a module": (
        lambda: cache.memoise(types=("Owner",)),
        r"types='Owner': must be like \"shop:Owner\"",
    ),
    "a number as tags": (lambda: cache.memoise(tags=5), "tags= takes a tuple of str"),
    "a number as packages": (lambda: cache.memoise(depends=5), "depends= takes names"),
    "SQLite's word": (lambda: Cache(":memory:"), "None keeps everything in memory"),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_that_lead_nowhere_are_refused(case: str) -> None:
    """A value that only looks like an option's is an error that says what to write."""
    call, words = WORDS[case]
    with pytest.raises((TypeError, ValueError), match=words):
        call()
