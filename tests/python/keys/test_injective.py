"""No two different calls share a key, wherever they differ: in closures, wrappers, defaults."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keys.test_keys import arguments, calls, told_apart, values
from outlive import Cache
from support.programs import untyped

cache = Cache(None)


def closure(value: Any, other: Any = None) -> Any:
    """A memoised function that closes over two values."""

    @cache.memoise
    def inner(x: int) -> Any:
        return value, other, x

    return inner


def with_default(value: Any) -> Any:
    """A memoised function with a default, which its name does not tell."""

    def function(x: Any = 1, y: Any = value) -> Any:
        return x, y

    return cache.memoise(function, name="with_default")


def passes_on(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function in the everyday way."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def supplies(value: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a value as the first argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(value, *args, **kwargs)

        return wrapper

    return decorate


def anything(x: Any = 0, /, y: Any = None, *args: Any, z: Any = "z", **kwargs: Any) -> None:
    """Take arguments of every kind."""


wrapped = cache.memoise(passes_on(passes_on(anything)))


@settings(deadline=None)
@given(one=values, two=values)
def test_closures_over_different_values_never_share_a_key(one: Any, two: Any) -> None:
    """Closures are told apart as arguments are: by type and value."""
    same = told_apart(one) == told_apart(two)
    assert (closure(one).cache_key(1) == closure(two).cache_key(1)) == same
    assert (closure(one, two).cache_key(1) == closure(two, one).cache_key(1)) == same


@settings(deadline=None)
@given(one=values, two=values)
def test_a_cell_never_answers_for_another(one: Any, two: Any) -> None:
    """Two values in two cells are not taken for one value that holds both."""
    keys = {closure(one, two).cache_key(1), closure((one, two)).cache_key(1)}
    keys |= {closure([one, two]).cache_key(1), closure(None, [one, two]).cache_key(1)}
    assert len(keys) == 4


@settings(deadline=None)
@given(one=calls, two=calls)
def test_calls_through_wrappers_never_share_a_key(one: Any, two: Any) -> None:
    """A decorator that passes everything on makes no difference to which calls are told apart."""
    same = told_apart(arguments(one)) == told_apart(arguments(two))
    key_of = untyped(wrapped).cache_key
    assert (key_of(*one[0], **one[1]) == key_of(*two[0], **two[1])) == same


@settings(deadline=None)
@given(one=values, two=values, argument=values)
def test_supplied_arguments_never_share_a_key(one: Any, two: Any, argument: Any) -> None:
    """Arguments that a wrapper supplies are told apart by value, and from the caller's."""
    same = told_apart(one) == told_apart(two)
    first, second = (untyped(cache.memoise(supplies(value)(anything))) for value in (one, two))
    assert (first.cache_key(argument) == second.cache_key(argument)) == same


@settings(deadline=None)
@given(default=values, given_=values, x=values)
def test_a_default_is_what_it_would_be_if_given(default: Any, given_: Any, x: Any) -> None:
    """A call by default has the key of the call that spells the default out, and of no other."""
    function = with_default(default)
    assert function.cache_key(x) == function.cache_key(x=x, y=default)
    same = told_apart(default) == told_apart(given_)
    assert (function.cache_key(x) == function.cache_key(x, given_)) == same
    assert (function.cache_key(x) == with_default(given_).cache_key(x)) == same


@settings(deadline=None)
@given(st.lists(values, min_size=2, max_size=2))
def test_partials_never_share_a_key(bound: list[Any]) -> None:
    """Arguments that ``functools.partial`` binds are told apart, by position and by name."""
    one, two = bound
    partial = functools.partial
    keys = [
        untyped(cache.memoise(p, name=None)).cache_key(1)
        for p in (partial(anything, one), partial(anything, y=one), partial(anything, two))
    ]
    assert keys[0] != keys[1]
    assert (keys[0] == keys[2]) == (told_apart(one) == told_apart(two))
