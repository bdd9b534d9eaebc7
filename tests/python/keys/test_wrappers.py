"""Decorators between memoise and the function: equal calls are one entry, options mean what they say."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from keys.decorators import retry
from outlive import Cache

# Nothing warns.
pytestmark = pytest.mark.filterwarnings("error")


def with_session(function: Callable[..., Any]) -> Any:
    """Supply the first argument, as frameworks do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function("a session", *args, **kwargs)

    return wrapper


def test_a_supplied_argument_is_not_asked_for() -> None:
    """Calls that leave out what a decorator supplies are kept under what they pass."""

    @Cache(None).memoise
    @with_session
    def fetch(session: str, uri: str) -> str:
        return uri

    assert [fetch("/1"), fetch("/1"), fetch(uri="/2"), fetch(uri="/2")] == ["/1", "/1", "/2", "/2"]
    assert fetch.cache_info().misses == 2


def test_ignore_never_leaves_out_what_took_the_place_of_a_supplied_argument() -> None:
    """Where a decorator may move positional arguments, ignore= applies to what is named."""

    @Cache(None).memoise(ignore=("session",))
    @with_session
    def listing(session: str, uri: str, page: int = 1) -> list[object]:
        return [uri, page]

    assert [listing("/1", 2), listing("/2", 2)] == [["/1", 2], ["/2", 2]]


def test_ignore_applies_to_what_a_transparent_decorator_gets_by_name() -> None:
    """An ignored argument that is passed by name makes no difference, whatever stands between."""

    @Cache(None).memoise(ignore=("session",))
    @retry
    def fetch(uri: str, session: object = None) -> str:
        return uri

    fetch("/1", session=object())
    fetch("/1", session=object())
    fetch("/1")
    assert fetch.cache_info().misses == 1


def test_ignore_self_holds_below_any_decorator() -> None:
    """The instance of a method is its first argument, also through a decorator."""

    class Client:
        @Cache(None).memoise(ignore=("self",))
        @retry
        def get(self, uri: str) -> str:
            return uri

    assert [Client().get("/1"), Client().get("/1")] == ["/1", "/1"]
    assert Client.get.cache_info().misses == 1


def test_a_secret_must_be_named_where_positions_may_move() -> None:
    """A positional value that may be the secret is refused; by name it is a digest."""

    @Cache(None).memoise(secret=("token",))
    @with_session
    def fetch(session: str, token: str, uri: str) -> str:
        return uri

    with pytest.raises(TypeError, match="pass token= by name"):
        fetch("ghp_123", "/1")
    assert fetch(token="ghp_123", uri="/1") == "/1"
    assert "ghp_" not in fetch.cache_key(token="ghp_123", uri="/1")


def test_a_decorator_that_names_its_parameters_is_taken_at_its_word() -> None:
    """A wrapper with parameters of its own is called by those, so equal calls are one entry."""

    def on_host(function: Callable[..., str]) -> Any:
        @functools.wraps(function)
        def wrapper(uri: str, page: int = 1) -> str:
            return function("host", uri, page)

        return wrapper

    @Cache(None).memoise
    @on_host
    def fetch(host: str, uri: str, page: int) -> str:
        return f"{host}{uri}{page}"

    assert {fetch("/1"), fetch("/1", 1), fetch(page=1, uri="/1")} == {"host/11"}
    assert fetch.cache_info().misses == 1


def test_arguments_that_patch_supplies() -> None:
    """A function below ``mock.patch`` is memoised by what its callers pass."""

    @Cache(None).memoise
    @mock.patch("os.getcwd")
    def where(name: str, getcwd: mock.Mock) -> str:
        return name

    assert [where("a"), where("a"), where("b")] == ["a", "a", "b"]
    assert where.cache_info().misses == 2


def test_ignore_reaches_into_keyword_arguments() -> None:
    """ignore= may name what ``**kwargs`` takes."""

    @Cache(None).memoise(ignore=("timeout",))
    def fetch(uri: str, **options: object) -> str:
        return uri

    fetch("/1", timeout=1, page=2)
    fetch("/1", timeout=3, page=2)
    fetch("/1", page=2)
    assert fetch.cache_info().misses == 1


def in_german(function: Callable[..., Any]) -> Any:
    """Supply what callers leave out."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("language", "de")
        return function(*args, **kwargs)

    return wrapper


def backwards(function: Callable[..., Any]) -> Any:
    """Swap positional arguments."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*reversed(args))

    return wrapper


def with_another(function: Callable[..., Any]) -> Any:
    """Use the name of an argument for something else."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args = ("first", *args)
        return function(*args, **kwargs)

    return wrapper


def bound(function: Callable[..., Any]) -> Any:
    """Call what is made of the function."""
    german = functools.partial(function, language="de")

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return german(*args, **kwargs)

    return wrapper


def aliased(function: Callable[..., Any]) -> Any:
    """Supply what callers leave out by another name."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        options = kwargs
        options.setdefault("language", "de")
        return function(*args, **kwargs)

    return wrapper


def filled(function: Callable[..., Any]) -> Any:
    """Have another function supply what callers leave out."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        dict.update(kwargs, language=kwargs.get("language", "de"))
        return function(*args, **kwargs)

    return wrapper


class Proxy:
    """Wrap as wrapt does: it shows the code of the function, and calls another."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("language", "de")
        return self.__wrapped__(*args, **kwargs)


SUPPLYING = [in_german, backwards, with_another, bound, aliased, filled, Proxy, with_session]


@pytest.mark.parametrize("decorator", SUPPLYING)
def test_a_default_that_a_decorator_replaces_is_no_default(decorator: Callable[..., Any]) -> None:
    """Leaving an argument out and giving the function's default are two calls below a decorator."""

    def greet(name: object = "you", language: str = "en", *, mark: str = "!") -> list[object]:
        return [name, language, mark]

    decorated = decorator(greet)
    memoised = Cache(None).memoise(decorated)
    calls: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        ((), {}),
        (("you",), {}),
        (("you", "en"), {}),
        (("you",), {"language": "en"}),
        (("you",), {"mark": "!"}),
        (("de",), {}),
    ]
    for args, kwargs in calls * 2:
        try:
            expected = decorated(*args, **kwargs)
        except TypeError:
            continue
        assert memoised(*args, **kwargs) == expected
