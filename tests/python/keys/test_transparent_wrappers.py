"""Decorators that pass all arguments on: they make no difference to keys and options."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina
import tenacity

from keys.decorators import retry
from outlive import Cache

# Nothing warns.
pytestmark = pytest.mark.filterwarnings("error")


def with_nothing(function: Callable[..., Any]) -> Any:
    """Pass all on, in a way that cannot be analysed."""
    partial = functools.partial(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return partial(*args, **kwargs)

    return wrapper


def logging(function: Callable[..., Any]) -> Any:
    """Look at the arguments, and pass them on."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        print(function.__name__, args)
        return function(*args, **kwargs)

    return wrapper


def timing(function: Callable[..., Any]) -> Any:
    """Pass positional arguments on."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        with contextlib.nullcontext():
            return function(*args)

    return wrapper


once = tenacity.retry(stop=tenacity.stop_after_attempt(1), reraise=True)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Decorate as a context manager does."""
    yield


TRANSPARENT = [
    retry,
    logging,
    timing,
    functools.cache,
    Cache(None).memoise,
    quietly(),
    stamina.retry(on=ValueError),
    once,
    lambda function: retry(logging(function)),
]


@pytest.mark.parametrize("decorator", TRANSPARENT)
def test_equal_calls_are_one_below_a_decorator_that_hands_all_on(
    decorator: Callable[..., Any],
) -> None:
    """A layer that changes nothing makes no difference to which calls are equal."""

    @Cache(None).memoise
    @decorator
    def fetch(uri: str, page: int = 1) -> list[object]:
        return [uri, page]

    assert [fetch("/1"), fetch("/1", 1)] == [["/1", 1]] * 2
    assert fetch.cache_info().misses == 1


def test_a_coroutine_function_below_a_decorator() -> None:
    """Decorators of coroutine functions are seen through as well."""

    def again(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)

        return wrapper

    @Cache(None).memoise
    @again
    async def fetch(uri: str, page: int = 1) -> list[object]:
        return [uri, page]

    assert asyncio.run(fetch("/1")) == asyncio.run(fetch("/1", page=1)) == ["/1", 1]
    assert fetch.cache_info().misses == 1


@pytest.mark.parametrize("decorator", [stamina.retry(on=ValueError), once, retry])
def test_options_mean_what_they_say_below_a_decorator_that_hands_all_on(
    decorator: Callable[..., Any],
) -> None:
    """Where positions cannot move, ignore= and secret= hold for positional arguments, too."""

    @Cache(None).memoise(ignore=("session",), secret=("token",))
    @decorator
    def fetch(session: object, uri: str, token: str = "none") -> list[str]:
        return [uri, token]

    calls = [fetch(object(), "/1", "ghp_1"), fetch(object(), uri="/1", token="ghp_1")]
    assert calls == [["/1", "ghp_1"]] * 2
    assert fetch.cache_info().misses == 1
    assert "ghp" not in fetch.cache_key(None, "/1", "ghp_1")
    with pytest.raises(TypeError, match="positional argument"):
        fetch(None, "/1", "ghp_1", "too many")


def test_a_secret_that_is_given_by_name_alone_may_be_left_out() -> None:
    """A parameter that no position reaches is no reason to refuse positional arguments."""

    @Cache(None).memoise(secret=("token",))
    @with_nothing
    def fetch(uri: str, *, token: str = "none") -> list[str]:
        return [uri, token]

    assert [fetch("/1"), fetch("/1", token="ghp_1")] == [["/1", "none"], ["/1", "ghp_1"]]
    assert "ghp" not in fetch.cache_key("/1", token="ghp_1")
