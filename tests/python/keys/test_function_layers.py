"""Layers between memoise and a function: partials, decorators, callable objects."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, KeyCollisionWarning
from support.programs import Scripts, untyped

Greeting = Callable[[str], str]


# A warning is an error unless a test expects it.
pytestmark = pytest.mark.filterwarnings("error")


def upper(function: Greeting) -> Greeting:
    """One decorator."""

    @functools.wraps(function)
    def wrapper(name: str) -> str:
        return function(name).upper()

    return wrapper


def lower(function: Greeting) -> Greeting:
    """Another decorator."""

    @functools.wraps(function)
    def wrapper(name: str) -> str:
        return function(name).lower()

    return wrapper


class Times:
    """A decorator that is an object."""

    def __init__(self, function: Greeting, times: int) -> None:
        functools.update_wrapper(self, function)
        self.function, self.times = function, times

    def __call__(self, name: str) -> str:
        return self.function(name) * self.times


class Shared(Times):
    """One that holds what has no key."""

    def __init__(self, function: Greeting, times: int) -> None:
        super().__init__(function, times)
        self.lock = object()


class Proxy:
    """What wrapt puts around a function: it shows the function's own attributes, and its class."""

    def __init__(self, wrapped: Greeting, wrapper: Callable[..., str]) -> None:
        object.__setattr__(self, "__wrapped__", wrapped)
        object.__setattr__(self, "_self_wrapper", wrapper)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "__wrapped__"), name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __call__(self, name: str) -> Any:
        return self._self_wrapper(self.__wrapped__, name)


def adding(what: str) -> Callable[..., str]:
    """What a proxy calls with the function below."""

    def wrapper(wrapped: Greeting, name: str) -> str:
        return wrapped(name) + what

    return wrapper


class Nameless:
    """An object that is called, and has neither a name nor a key."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, name: str) -> str:
        return f"Hi {name}" * self.times


def greet(name: str) -> str:
    """A function of a module."""
    return f"Hi {name}"


def host(name: str) -> Callable[[str, str], str]:
    """A function that closes over a value."""

    def get(path: str, query: str) -> str:
        return name + path + query

    return get


def answers(cache: Cache, *functions: Callable[[str], Any]) -> list[Any]:
    """Return what each function answers, asked twice."""
    memoised = [cache.memoise(function) for function in functions]
    first, again = ([function("Bo") for function in memoised] for _ in range(2))
    assert first == again == [function("Bo") for function in functions]
    return first


def test_partials_of_lambdas_are_told_apart_by_their_bodies() -> None:
    """Two partials that bind the same values have the answers of their own lambdas."""
    plus = functools.partial(lambda x, y: x + y, "5")
    swapped = functools.partial(lambda x, y: y + x, "5")
    assert answers(Cache(None), plus, swapped) == ["5Bo", "Bo5"]


def test_partials_of_closures_are_told_apart_by_what_these_close_over() -> None:
    """So do partials of two functions that one factory made."""
    one, other = (functools.partial(host(name), "/") for name in ("a", "b"))
    assert answers(Cache(None), one, other) == ["a/Bo", "b/Bo"]


def test_decorators_around_one_lambda_are_told_apart() -> None:
    """A lambda has other answers below another decorator, without a warning."""
    plain = lambda name: f"Hi {name}"  # noqa: E731
    expected = ["HI BO", "hi bo", "Hi Bo"]
    assert answers(Cache(None), upper(plain), lower(plain), plain) == expected


def test_decorators_around_one_function_are_kept_apart() -> None:
    """Below another decorator a function of the same name is another one: the older warns."""
    with pytest.warns(KeyCollisionWarning, match="another function of this name"):
        assert answers(Cache(None), upper(greet), lower(greet)) == ["HI BO", "hi bo"]


def test_objects_as_decorators_are_told_apart_by_their_attributes() -> None:
    """An object between memoise and the function counts as one in a closure does."""
    assert answers(Cache(None), Times(greet, 1), Times(greet, 2)) == ["Hi Bo", "Hi BoHi Bo"]


class Counting(Times):
    """One that counts its calls, and remembers them."""

    calls = 0

    def __init__(self, function: Greeting, times: int) -> None:
        super().__init__(function, times)
        self.names: list[str] = []
        self.seen: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        self.calls += 1
        self.names.append(name)
        self.seen[name] = self.calls
        return super().__call__(name)


def test_the_state_of_an_object_as_decorator_is_no_part_of_its_key() -> None:
    """What its calls set and change does not make it another decorator; what they read does."""
    one, other = Counting(greet, 1), Counting(greet, 2)
    cache = Cache(None)
    for _ in range(2):
        assert [cache.memoise(each)("Bo") for each in (one, other)] == ["Hi Bo", "Hi BoHi Bo"]
    assert (one.names, other.names) == (["Bo"], ["Bo"])


def test_objects_as_decorators_that_have_no_key_warn() -> None:
    """Two functions that differ in nothing that has a key warn if both are used."""
    cache = Cache(None)
    one, other = (cache.memoise(Shared(greet, times)) for times in (1, 2))
    with pytest.warns(KeyCollisionWarning, match="they share their results"):
        assert one("Bo") == "Hi Bo"
    assert other("Bo") == "Hi Bo"


def test_proxies_are_told_apart_by_what_they_call() -> None:
    """The function that a proxy calls counts, and what that closes over."""
    proxies = (Proxy(greet, adding(what)) for what in "!?")
    assert answers(Cache(None), *proxies) == ["Hi Bo!", "Hi Bo?"]


def test_a_partial_with_a_name_may_bind_what_has_no_key() -> None:
    """``name=`` is what the message says; what has a key is told apart, the rest warns."""
    cache, clients = Cache(None), (object(), object())

    def ask(client: object, path: str, name: str) -> tuple[bool, str]:
        return client is clients[0], path + name

    with pytest.raises(TypeError, match=r"binds what has no key \(object\): name it with name="):
        cache.memoise(functools.partial(ask, clients[0], "/a"))
    partials = [functools.partial(ask, clients[0], path) for path in ("/a", "/b")]
    one, two = (untyped(cache.memoise)(each, name="ask") for each in partials)
    assert [one("x"), two("x")] == [(True, "/ax"), (True, "/bx")]
    cache.memoise(functools.partial(ask, clients[1], "/a"), name="ask")
    with pytest.warns(KeyCollisionWarning, match="they share their results"):
        assert one("x") == (True, "/ax")


def test_objects_that_are_called_warn_where_they_share_a_name() -> None:
    """Two objects with the same ``name=`` are one function, and a warning says so."""
    cache = Cache(None)
    first, second = (cache.memoise(Nameless(times), name="hi") for times in (1, 2))
    assert second("Bo") == "Hi BoHi Bo"
    with pytest.warns(KeyCollisionWarning, match="they share their results"):
        assert first("Bo") == "Hi BoHi Bo"


def test_objects_of_the_standard_library_that_are_called_are_told_apart() -> None:
    """The items of an itemgetter are part of its key."""
    cache = Cache(None)
    pickers = [cache.memoise(operator.itemgetter(at), name="pick") for at in (0, 1)]
    assert [pick("ab") for pick in pickers] == ["a", "b"]


def test_an_object_that_has_a_key_is_part_of_the_name() -> None:
    """``name=`` replaces the name, not the callable, as for a bound method."""

    class Adder:
        def __init__(self, by: str) -> None:
            self.by = by

        def __memo_key__(self) -> str:
            return self.by

        def __call__(self, name: str) -> str:
            return name + self.by

    cache = Cache(None)
    adders = [cache.memoise(Adder(by), name="add") for by in "xy"]
    assert [add("Bo") for add in adders] == ["Box", "Boy"]


def test_a_partial_hides_no_decorator_that_supplies_arguments() -> None:
    """Below one, keys have no defaults, since the decorator may have others."""

    def in_german(function: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> str:
            kwargs.setdefault("language", "de")
            return function(*args, **kwargs)

        return wrapper

    @in_german
    def say(mood: str, name: str, language: str = "en") -> str:
        return f"{mood} {name} {language}"

    cached = Cache(None).memoise(functools.partial(say, "glad"))
    assert [cached("Bo"), cached("Bo", language="en")] == ["glad Bo de", "glad Bo en"]


EDITED = """
import functools
from outlive import Cache
from around import {decorator}
def add(x, y):
    return x + y{edit}
class Caller:
    def __call__(self, x):
        return add(x, 1){edit}
cache = Cache("c.json")
print(cache.memoise(functools.partial(add, 1))(2))
print(cache.memoise(Caller(), name="caller")(2))
print(cache.memoise({decorator}(add))(1, 2))
"""
AROUND = """
import functools
def plain(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper
def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 2 * function(*args)
    return wrapper
"""


@pytest.mark.parametrize(("edit", "told"), [("", 0), ("  # the sum", 0), (" + 1", 3)])
def test_an_edit_below_a_layer_is_told(tmp_path: Path, edit: str, told: int) -> None:
    """The function of a partial is looked at, and the class of an object that is called."""
    assert told_after(tmp_path, EDITED.format(decorator="plain", edit=edit)) == told


@pytest.mark.parametrize(("decorator", "told"), [("plain", 0), ("twice", 1)])
def test_another_decorator_is_told(tmp_path: Path, decorator: str, told: int) -> None:
    """Decorators of another module are identified by their names."""
    assert told_after(tmp_path, EDITED.format(decorator=decorator, edit="")) == told


def told_after(folder: Path, source: str) -> int:
    """Return how many functions are reported as edited when ``source`` runs last."""
    (folder / "around.py").write_text(AROUND, encoding="utf-8")
    program = Scripts(folder)
    program.output(EDITED.format(decorator="plain", edit=""))
    ended = program(source)
    assert ended.status == 0, ended.err
    return ended.err.count("was edited since")
