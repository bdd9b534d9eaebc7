"""Results of classes: a later process gets what this one returned."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classes import shop, stored
from classes.sameness import assert_same
from outlive import Cache, UnstorableWarning

TESTS = Path(__file__).parents[1]


def _run(file: Path, seed: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "classes.stored", str(file)],
        env={"PYTHONPATH": str(TESTS), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout.strip()


def test_a_later_process_gets_what_was_returned(tmp_path: Path) -> None:
    """Every kind comes back equal in a fresh process, under another hash seed."""
    file = tmp_path / "cache.json"
    assert _run(file, "1") == ",".join(shop.SAMPLES)
    texts = _results(file)
    assert _run(file, "2") == ""
    assert _results(file) == texts


def _results(file: Path) -> list[str]:
    return [line.partition('"at"')[0] for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", shop.SAMPLES)
def test_hits_share_nothing_that_can_change(name: str) -> None:
    """A hit is a copy at any depth; instances that cannot change are shared by all."""
    sample = stored.memoised(Cache())
    first, *hits = (sample(name) for _ in range(4))
    for hit in hits:
        assert_same(hit, shop.SAMPLES[name](), name)
    shared = set(map(id, _changeable(hits[-1]))) & set(map(id, _changeable(hits[-2])))
    assert not shared | (set(map(id, _changeable(hits[-1]))) & set(map(id, _changeable(first))))


CHANGEABLE: tuple[type, ...] = (
    *(list, dict, set, bytearray, shop.Owner, shop.Repo, shop.Slotted, shop.Box, shop.Plain),
    *(shop.PlainSlots, shop.Attrs, shop.Struct, shop.OpenStruct, shop.User, shop.Open),
)


def _changeable(value: Any) -> list[Any]:
    """The parts of a value that can be changed."""
    found = [value] if isinstance(value, CHANGEABLE) else []
    parts = list(getattr(value, "__dict__", {}).values()) if not isinstance(value, type) else []
    if isinstance(value, dict):
        parts += value.values()
    elif isinstance(value, (list, tuple, set)):
        parts += value
    parts += [getattr(value, name) for name in ("a", "b") if hasattr(value, name)]
    return found + [part for each in parts for part in _changeable(each)]


@pytest.mark.parametrize("make", [shop.SAMPLES["frozen"], shop.SAMPLES["frozen struct"]])
def test_frozen_instances_of_immutable_parts_are_shared(make: Callable[[], Any]) -> None:
    """A value that is immutable through and through is not copied."""

    @Cache().memoise
    def sample() -> shop.Point | shop.FrozenStruct:
        made: shop.Point | shop.FrozenStruct = make()
        return made

    assert sample() is sample() is sample()


def test_no_code_of_a_class_runs() -> None:
    """An instance is put together without ``__init__``, ``__post_init__`` or validators."""
    made: list[str] = []

    @dataclasses.dataclass
    class Loud(shop.Owner):
        def __post_init__(self) -> None:
            made.append("post_init")

    cache = Cache()

    @cache.memoise
    def sample(cls: type[Loud]) -> shop.Owner:
        return cls("a")

    for _ in range(4):
        assert sample(Loud).login == "a"
    assert made == ["post_init"]


def test_the_mapping_shows_values_of_classes(tmp_path: Path) -> None:
    """``dict(cache)`` has the instances that the functions of the cache return."""
    with Cache(tmp_path / "cache.json") as cache:
        sample = stored.memoised(cache)
        sample("dataclass")
        assert list(cache.values()) == [shop.SAMPLES["dataclass"]()]
    with Cache(tmp_path / "cache.json") as cache:
        sample = stored.memoised(cache)
        assert dict(cache) == {sample.cache_key("dataclass"): shop.SAMPLES["dataclass"]()}


class Noted(shop.Fixed):
    """A named tuple whose instances take attributes."""


@dataclasses.dataclass(frozen=True)
class Lazy:
    """A frozen class with a property that keeps something that can be changed."""

    x: int

    @functools.cached_property
    def words(self) -> list[str]:
        return ["w"]


def test_what_callers_can_write_to_is_not_shared() -> None:
    """Attributes of a named tuple's subclass, and cached properties, are each caller's own."""
    cache = Cache()
    noted = cache.memoise(lambda: Noted(1), name="noted", types=(Noted,))
    lazy = cache.memoise(lambda: Lazy(1), name="lazy", types=(Lazy,))
    for _ in range(4):
        one, other = noted(), lazy()
        assert one == (1,) and not one.__dict__
        one.__dict__["note"] = ["mine"]
        assert other.words == ["w"]
        other.words.append("mine")


@dataclasses.dataclass(unsafe_hash=True)
class Key:
    """A key that can be changed."""

    a: int


@pytest.mark.parametrize("kind", [collections.Counter, collections.OrderedDict])
def test_keys_that_can_change_are_refused(kind: Any) -> None:
    """Members of such a dict would be lost by all when one caller changes a key; a plain dict copies."""
    with pytest.warns(UnstorableWarning, match="keys that can change"):
        Cache().memoise(lambda: kind({Key(1): 1}), name="f", types=(Key,))()
    plain = Cache().memoise(lambda: {Key(1): 1}, name="f", types=(Key,))
    for _ in range(4):
        (key,) = plain()
        assert key.a == 1
        key.a = 2


class Colour(enum.Enum):
    """An enumeration that makes members up."""

    RED = "red"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        made = object.__new__(cls)
        made._name_, made._value_ = None, value  # type: ignore[assignment]
        return made


def _hiding() -> shop.Plain:
    plain = shop.Plain(1)
    plain.__dict__["__eq__"] = 1
    return plain


@pytest.mark.parametrize("make", [lambda: Colour("RED"), _hiding])
def test_what_would_not_come_back_is_refused(make: Callable[[], Any]) -> None:
    """A value that no later process could rebuild warns when it is stored."""
    f = Cache().memoise(make, name="f", types=(Colour, shop.Plain))
    with pytest.warns(UnstorableWarning):
        f()
