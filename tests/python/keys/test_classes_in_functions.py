"""Classes that a function makes: their methods, instances and the classes are told apart."""

from __future__ import annotations

import collections
import dataclasses
import enum
import typing
from collections.abc import Callable
from typing import Any

import attrs
import pydantic
import pytest

from outlive import Cache
from support.programs import untyped

cache = Cache(None)


@cache.memoise
def take(value: object) -> None:
    """Take anything."""


def by_attribute(host: str) -> Any:
    """A class whose method reads an attribute of the class."""

    class Client:
        url = host

        @cache.memoise(ignore=("self",))
        def get(self, page: str) -> str:
            return self.url + page

    return Client


def by_branch(host: str) -> Any:
    """A class whose body asks what the function got."""

    class Client:
        if host == "a":

            def ask(self, page: str) -> str:
                return "a" + page

        else:

            def ask(self, page: str) -> str:
                return "b" + page

        @cache.memoise(ignore=("self",))
        def get(self, page: str) -> str:
            return self.ask(page)

    return Client


def by_class_method(host: str) -> Any:
    """A class whose class method is memoised."""

    class Client:
        url = host

        @classmethod
        @cache.memoise
        def get(cls, page: str) -> str:
            return cls.url + page

    return lambda: Client


def by_key(host: str) -> Any:
    """A class whose instances say what tells them apart, but not from those of another class."""

    class Client:
        url = host

        def __memo_key__(self) -> str:
            return "client"

        @cache.memoise
        def get(self, page: str) -> str:
            return self.url + page

    return Client


@pytest.mark.parametrize("maker", [by_attribute, by_branch, by_class_method, by_key])
def test_methods_of_two_classes_never_share_results(maker: Callable[[str], Any]) -> None:
    """A class for each host has results of its own, found again by an equal class."""
    answers = [maker(host)().get("/x") for host in ("a", "b", "a")]
    assert answers == ["a/x", "b/x", "a/x"]


def test_a_coroutine_method_is_told_apart_by_its_class(loop_run: Any) -> None:
    """What a class body closes over counts for coroutine functions, too."""

    def client(host: str) -> Any:
        class Client:
            url = host

            @cache.memoise(ignore=("self",))
            async def fetch(self, page: str) -> str:
                return self.url + page

        return Client()

    assert [loop_run(client(host).fetch("/x")) for host in ("a", "b")] == ["a/x", "b/x"]


@pytest.fixture
def loop_run() -> Any:
    """Run a coroutine."""
    import asyncio

    return asyncio.run


def plain(value: Any) -> Any:
    """A class with an attribute."""

    class Made:
        limit = value

    return Made


def behaving(value: Any) -> Any:
    """A class with a method that closes over something."""

    class Made:
        def limit(self) -> Any:
            return value

        @property
        def twice(self) -> Any:
            return value

        @staticmethod
        def thrice() -> Any:
            return value

    return Made


def derived(value: Any) -> Any:
    """A class whose base is made in a function, too."""
    base: Any = plain(value)

    class Made(base):  # type: ignore[misc]
        pass

    return Made


def validated(value: Any) -> Any:
    """A model that checks."""

    class Made(pydantic.BaseModel):
        x: int

        @pydantic.field_validator("x")
        @classmethod
        def add(cls, x: int) -> Any:
            return x + value

    return Made


CLASSES: dict[str, Callable[[Any], Any]] = {
    "an attribute": plain,
    "a method": behaving,
    "a base": derived,
    "a validator": validated,
    "type()": lambda value: type("Made", (), {"limit": value}),
    "a default of a model": lambda value: pydantic.create_model("Made", x=(int, value)),
    "a default of a dataclass": lambda value: dataclasses.make_dataclass(
        "Made", [("x", int, dataclasses.field(default=value))]
    ),
    "a factory of a dataclass": lambda value: dataclasses.make_dataclass(
        "Made", [("x", list, dataclasses.field(default_factory=lambda: [value]))]
    ),
    "metadata of a dataclass": lambda value: dataclasses.make_dataclass(
        "Made", [("x", int, dataclasses.field(default=1, metadata={"limit": value}))]
    ),
    "a default of attrs": lambda value: attrs.make_class("Made", {"x": attrs.field(default=value)}),
    "a name of a namedtuple": lambda value: collections.namedtuple("Made", ["x", f"y{value}"]),
    "a default of a namedtuple": lambda value: collections.namedtuple(
        "Made", ["x"], defaults=[value]
    ),
    "whether all is required": lambda value: typing.TypedDict(  # type: ignore[operator]
        "Made", {"x": int}, total=value == 1
    ),
    "a member of an enum": lambda value: enum.Enum("Made", {"X": value}),
    "what is annotated": lambda value: typing.Annotated[int, value],
}


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_as_arguments_are_told_apart(kind: str) -> None:
    """Two classes of one name that differ in anything have two keys; equal ones have one."""
    keys = [take.cache_key(CLASSES[kind](value)) for value in (1, 2, 1)]
    assert keys[0] == keys[2] != keys[1]


INSTANCES: dict[str, Callable[[Any], Any]] = {
    "a frozen dataclass": lambda value: dataclasses.make_dataclass(
        "Made", [("x", int)], frozen=True, namespace={"limit": value}
    )(5),
    "a dataclass": lambda value: dataclasses.make_dataclass(
        "Made", [("x", int)], namespace={"limit": value}
    )(5),
    "a model": lambda value: pydantic.create_model("Made", x=(int, value))(x=5),
    "a named tuple": lambda value: untyped(collections.namedtuple("Made", ["x"], defaults=[value]))(
        5
    ),
    "a member": lambda value: untyped(enum.Enum("Made", {"X": 1, "Y": value + 5}))["X"],
}


@pytest.mark.parametrize("kind", INSTANCES)
def test_instances_are_told_apart_by_their_class(kind: str) -> None:
    """Equal instances of two classes of one name have two keys."""
    keys = [take.cache_key(INSTANCES[kind](value)) for value in (1, 2, 1)]
    assert keys[0] == keys[2] != keys[1]


def test_structs_are_told_apart_by_their_class() -> None:
    """Structs of msgspec, as arguments and as classes, differ in what their classes differ in."""
    msgspec = pytest.importorskip("msgspec")
    made = [msgspec.defstruct("Made", [("x", int, value)]) for value in (1, 2, 1)]
    for values in (made, [cls(5) for cls in made]):
        keys = [take.cache_key(value) for value in values]
        assert keys[0] == keys[2] != keys[1]
