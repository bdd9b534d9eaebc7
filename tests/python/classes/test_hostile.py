"""Files from a stranger: nothing in them makes outlive import, construct or run anything."""

from __future__ import annotations

import concurrent.futures  # noqa: F401 - it imports more when it is asked for it
import dataclasses
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import outlive
from classes import shop
from outlive._drop_in import DropInCache

RAN: list[str] = []


@dataclasses.dataclass
class Closer:
    """Something that acts when it is collected."""

    path: str

    def __del__(self) -> None:
        RAN.append(self.path)


class Loud:
    """Something whose every method tells that it ran."""

    name: str

    def __init__(self) -> None:
        RAN.append("__init__")

    def __setstate__(self, state: object) -> None:
        RAN.append("__setstate__")

    def shout(self) -> str:
        """Tell."""
        RAN.append("shout")
        return "loud"


@dataclasses.dataclass
class Person:
    """A class that is allowed."""

    name: str
    age: int = 1

    def greet(self) -> str:
        """Greet."""
        return f"hello {self.name}"

    @property
    def shown(self) -> str:
        """The name."""
        return self.name


HERE = Person.__module__
FOREIGN: dict[str, Any] = {
    "a class of the standard library": {"$tempfile:_TemporaryFileCloser": {"name": "victim"}},
    "a process": {"$subprocess:Popen": {"args": ["touch", "victim"]}},
    "a function": {"$os:system": "touch victim"},
    "a module's function by attribute": {"$os:path.exists": "/"},
    "a module that nobody imported": {"$antigravity:Fly": {}},
    "a built-in": {"$builtins:eval": "1"},
    "a type": {"$builtins:type": ["X", [], {}]},
    "object": {"$builtins:object": {}},
    "a pickled thing": {"$pickle:loads": {"$bytes": "Y29zCnN5c3RlbQo="}},
    "a class with a destructor": {f"${HERE}:Closer": {"path": "victim"}},
    "a class with rules of its own": {f"${HERE}:Loud": {"name": "x"}},
    "a class of the test that nobody names": {f"${HERE}:Hidden": {}},
    "a local class": {f"${HERE}:made.<locals>.X": {}},
    "a metaclass trick": {f"${HERE}:Person.__class__": {}},
    "a base": {f"${HERE}:Person.__mro__": {}},
    "many dots": {"$os.....:a.b": {}},
    "a module that is imported when it is asked for": {
        "$concurrent.futures:ProcessPoolExecutor": {}
    },
    "one of numpy's": {"$numpy:f2py": {}},
    "numpy's loader": {"$numpy:load": "victim"},
    "numpy's objects": {"$numpy:ndarray": {"dtype": "|O", "shape": [1], "data": "AAAAAAAAAAA="}},
    "numpy's records": {"$numpy:ndarray": {"dtype": "V8", "shape": [1], "data": "AAAAAAAAAAA="}},
    "pandas' reader": {"$pandas:read_pickle": "victim"},
    "a frame of garbage": {"$pandas:DataFrame": {"version": 3, "arrow": "QQ=="}},
}

MALFORMED: dict[str, Any] = {
    "no dict": [1],
    "a number": 5,
    "nothing": None,
    "a missing field": {"age": 1},
    "an unknown field": {"name": "a", "x": 1},
    "a method": {"name": "a", "$attributes": {"greet": "x"}},
    "a property": {"name": "a", "$attributes": {"shown": "x"}},
    "its class": {"name": "a", "$attributes": {"__class__": "x"}},
    "its dict": {"name": "a", "$attributes": {"__dict__": {}}},
    "its hash": {"name": "a", "$attributes": {"__hash__": 1}},
    "attributes that are none": {"name": "a", "$attributes": 5},
    "attributes of numbers": {"name": "a", "$attributes": {"$dict": [[1, 2]]}},
    "a set of unhashables": {"name": {"$set": [[1]]}, "age": 1, "more": 1},
}

MODELS: dict[str, Any] = {
    "given that is no list": {"name": "a", "plan": None, "tags": [], "$given": 5},
    "given of numbers": {"name": "a", "plan": None, "tags": [], "$given": [1]},
    "extra that is no dict": {"name": "a", "plan": None, "tags": [], "$extra": 5},
    "private that is unknown": {"name": "a", "plan": None, "tags": [], "$private": {"_x": 1}},
    "private that is no dict": {"name": "a", "plan": None, "tags": [], "$private": [1]},
    "a method": {"name": "a", "plan": None, "tags": [], "$attributes": {"model_dump": 1}},
    "a false fields_set": {"name": "a", "$attributes": {"__pydantic_fields_set__": 5}},
    "a false private": {"name": "a", "$attributes": {"__pydantic_private__": {"_etag": 1}}},
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test in a folder of its own, with a victim."""
    monkeypatch.chdir(tmp_path)
    Path("victim").write_text("alive")
    RAN.clear()


def _ask(stored: Any) -> tuple[Any, list[str]]:
    """Return what a call gets whose entry in the file is ``stored``, and the warnings."""
    Path("cache.json").unlink(missing_ok=True)
    with outlive.Cache("cache.json") as cache:

        @cache.memoise(name="f")
        def f() -> Person | shop.User:
            return Person("fresh")

        f()
    text = Path("cache.json").read_text()
    fresh = json.dumps({f"${HERE}:Person": {"name": "fresh", "age": 1}})
    assert fresh in text
    Path("cache.json").write_text(text.replace(fresh, json.dumps(stored)))
    modules = set(sys.modules)
    with warnings.catch_warnings(record=True) as told, outlive.Cache("cache.json") as cache:
        warnings.simplefilter("always")

        @cache.memoise(name="f")
        def g() -> Person | shop.User:
            return Person("fresh")

        found = [g() for _ in range(3)]
    assert Path("victim").read_text() == "alive"
    assert RAN == []
    assert {name for name in set(sys.modules) - modules if "outlive" not in name} == set()
    assert all(each == found[0] for each in found)
    return found[0], [str(each.message) for each in told]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_cannot_choose_a_class(name: str) -> None:
    """A class that the code does not name is a miss with one warning; nothing of it runs."""
    for stored in (FOREIGN[name], [FOREIGN[name]]):
        found, told = _ask(stored)
        assert found == Person("fresh")
        assert len(told) == 1 and "computed anew" in told[0]


@pytest.mark.parametrize("name", MALFORMED)
def test_false_fields_are_a_miss(name: str) -> None:
    """An instance that no genuine writer stored is a miss: nothing hides a method or a property."""
    found, told = _ask({f"${HERE}:Person": MALFORMED[name]})
    assert found == Person("fresh") and found.greet() == "hello fresh"
    assert len(told) == 1


@pytest.mark.parametrize("name", MODELS)
def test_false_hidden_state_is_a_miss(name: str) -> None:
    """The hidden state of a model is checked before it is restored."""
    found, told = _ask({"$classes.shop:User": MODELS[name]})
    assert found == Person("fresh")
    assert len(told) == 1


def test_honest_entries_are_served() -> None:
    """The same way of writing a file yields an instance if its contents are right."""
    assert _ask({f"${HERE}:Person": {"name": "stored"}}) == (Person("stored"), [])
    user = shop.User.model_construct({"name"}, name=5)
    found, told = _ask({"$classes.shop:User": {"name": 5, "$given": ["name"]}})
    assert (found, told) == (user, [])


def test_a_dict_that_looks_like_a_class_stays_a_dict() -> None:
    """A real dict with such a key is escaped in the file, and comes back as the dict it is."""
    looks = [{"$os:system": "x"}, {"$$os:system": {"$shop:Repo": {}}}, {"$a:b": 1, "c": 2}]
    for file in ("own.json", "flat.json"):
        for _ in range(2):
            with outlive.Cache(file) as cache:
                assert cache.setdefault("k", looks) == looks


def test_a_flat_file_of_before(drop_in: DropInCache) -> None:
    """What looks like a class in a file from before there were any is the dict that it was."""
    looks = {"$os:system": "x"}
    path = Path(str(drop_in.path))
    path.write_text(json.dumps({"k": looks}))
    assert drop_in["k"] == looks
    drop_in["new"] = 1
    drop_in.save()
    assert json.loads(path.read_text())["outlive:meta"] == {"version": 5}
    with DropInCache(path) as again:
        assert dict(again) == {"k": looks, "new": 1}
        del again["k"]
    assert json.loads(path.read_text()) == {"new": 1}
