"""Options and methods that decide on keys, and arguments that have none."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.programs import untyped


def anything(x: Any = 0, /, y: Any = None, *args: Any, z: Any = "z", **kwargs: Any) -> None:
    """Take arguments of every kind."""


own = Cache(None).memoise(anything)


class Opaque:
    """An argument without a ``__memo_key__``."""


class Speaking:
    """An argument that does."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __memo_key__(self) -> Any:
        return self.number


def test_an_argument_without_a_key_is_refused_by_name() -> None:
    """The TypeError names the function, the parameter, the type, and the ways out."""
    with pytest.raises(TypeError) as caught:
        own([{"deep": Opaque()}])
    message = str(caught.value)
    assert "anything" in message
    assert "'x'" in message or '"x"' in message
    assert "Opaque" in message
    assert "ignore=(" in message
    assert "key=" in message
    assert "__memo_key__" in message


def test_circles_are_refused() -> None:
    """An argument that contains itself has no key."""
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(TypeError, match="circle"):
        own(circle)


def test_objects_may_say_what_tells_them_apart() -> None:
    """__memo_key__ returns an object's part of the key, beside its class."""
    assert own.cache_key(Speaking(1)) == own.cache_key(Speaking(1))
    assert own.cache_key(Speaking(1)) != own.cache_key(Speaking(2))
    assert own.cache_key(Speaking(1)) != own.cache_key(1)


def test_a_memo_key_that_a_class_gets_later_counts() -> None:
    """Hits with a frozen dataclass notice that it, or a base of it, gets or loses __memo_key__."""

    class Base:
        pass

    @dataclasses.dataclass(frozen=True)
    class Query(Base):
        text: str

    calls = []
    search = Cache(None).memoise(lambda query: calls.append(query.text), name="search")

    def is_new(text: str) -> bool:
        before = len(calls)
        search(Query(text))
        return len(calls) > before

    assert [is_new("a") for _ in range(4)] == [True, False, False, False]
    owner: Any
    for owner in (Base, Query):
        owner.__memo_key__ = lambda self: "one"
        assert [is_new(text) for text in "bca"] == [owner is Base, False, False]
        del owner.__memo_key__
        assert [is_new("a") for _ in range(3)] == [False, False, False]


def test_an_error_in_memo_key_is_the_callers() -> None:
    """What __memo_key__ raises reaches the caller unchanged."""

    class Broken:
        def __memo_key__(self) -> str:
            raise ValueError("not yet known")

    with pytest.raises(ValueError, match="not yet known"):
        own(Broken())


def test_key_first_takes_the_first_parameter_alone() -> None:
    """key="first" in an own cache: the first argument, by position or by name, is the key."""
    cache = untyped(Cache(None))
    function = cache.memoise(key="first", name="f")(lambda uri, page=1: page)
    assert function("a", 5) == function("a", 6) == function(uri="a") == 5
    assert function.cache_key("a") == 'f("a")'


def test_key_first_passes_over_ignored_parameters() -> None:
    """With ignore=("self",) and key="first" the first parameter that counts is the key."""
    cache = untyped(Cache(None))
    function = cache.memoise(key="first", ignore=("session",))(lambda session, uri: uri)
    assert function(Opaque(), "a") == function(Opaque(), uri="a") == "a"
    assert function.cache_info()[:2] == (1, 1)


def test_a_callable_makes_the_key() -> None:
    """key= may be a callable: it gets the call's arguments, and its result is the key."""
    cache = Cache(None)
    function: Any = cache.memoise(key=lambda uri, **_: uri.rstrip("/"))(lambda uri, page=1: page)
    assert function("a/", page=5) == function("a", page=6) == function("a//") == 5
    assert list(cache) == [function.cache_key("a")]


def test_a_callable_that_makes_no_key_is_named() -> None:
    """The result of a key= callable must have a key text itself."""
    function = Cache(None).memoise(key=lambda x: Opaque())(lambda x: x)
    with pytest.raises(TypeError, match=r"what key= returned.*Opaque.*return a str"):
        function(1)


def test_a_callable_that_raises_is_the_callers() -> None:
    """What a key= callable raises reaches the caller unchanged."""
    function = Cache(None).memoise(key=lambda x: x["a"])(lambda x: x)
    with pytest.raises(KeyError):
        function({})


def test_ignored_parameters_make_no_difference() -> None:
    """ignore= leaves parameters out of the key, given by position, by name or not at all."""
    function = Cache(None).memoise(ignore=("session", "options"))(
        lambda session, query, **options: query
    )
    assert function(Opaque(), "q") == function(session=None, query="q", verbose=Opaque()) == "q"
    assert function.cache_info()[:2] == (1, 1)
    assert "session" not in function.cache_key(None, "q")


def test_a_version_makes_other_keys() -> None:
    """version= is part of the key: a new one starts over and leaves old entries alone."""
    cache = Cache(None)

    def answer(x: Any) -> Any:
        return x

    keys = {
        cache.memoise(version=version)(answer).cache_key(1) for version in (None, 1, "1", 1.0, 2)
    }
    assert len(keys) == 5
    flat_keys = {
        DropInCache(None).memoise(version=version)(answer).cache_key("a")
        for version in (None, 1, "1")
    }
    assert len(flat_keys) == 3


def test_wrong_arguments_raise_pythons_own_error() -> None:
    """A call that does not fit the function raises the function's own error."""

    @Cache(None).memoise
    def function(x: int, *, y: int) -> int:
        return x

    wrong: Any = function
    with pytest.raises(TypeError, match=r"function\(\) missing"):
        wrong()
    with pytest.raises(TypeError, match=r"function\(\) takes 1 positional"):
        wrong(1, 2)
    with pytest.raises(TypeError, match=r"function\(\) got an unexpected"):
        wrong(1, y=2, z=3)
    for control in (wrong.cache_key, wrong.peek, wrong.forget, functools.partial(wrong.put, 1)):
        with pytest.raises(TypeError, match="y"):
            control(1)
