"""Calls in a program that cannot import any more: no descriptor is left, or the files are gone."""

from __future__ import annotations

import sys

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")

#: Functions of all kinds; then every file that could be imported is out of reach.
BEGIN = """
import asyncio, collections, dataclasses, datetime, decimal, ipaddress, pathlib, resource, sys
import time, uuid, warnings
from outlive import Cache

@dataclasses.dataclass
class Point:
    x: int

warnings.simplefilter("ignore")
cache = Cache("results.json")
given = {
    "date": datetime.datetime(2020, 1, 1), "number": decimal.Decimal("1.5"), "point": Point(1),
    "path": pathlib.Path("a"), "id": uuid.UUID(int=1), "count": collections.Counter("aa"),
}

@cache.memoise
def plain(x) -> object:
    return given.get(x, x)

@cache.memoise(types=(Point,))
def typed(x):
    return x

@cache.memoise(ttl=0.001, stale_if_error="1h")
def old(x):
    if again:
        raise ValueError
    return x

@cache.memoise(secret=("token",))
def secret(x, token):
    return x

@cache.memoise
async def later(x):
    return x

@cache.memoise(each="items")
def batch(items):
    return [2 * item for item in items]

@cache.memoise
def stream(x):
    yield x

class Shop:
    def __memo_key__(self):
        return "shop"

    @cache.memoise
    def price(self, item):
        return item

def use():
    for name, value in given.items():
        assert plain(name) == value
        assert typed(value) == value
    assert plain(1) == 1 and old(1) == 1 and secret(1, token="t") == 1
    assert loop.run_until_complete(later(1)) == 1
    assert batch([1, 2]) == [2, 4] and list(stream(1)) == [1] and Shop().price("tea") == "tea"
    plain.refresh(1), plain.forget(1), plain(1), plain.cache_info()

again = False
loop = asyncio.new_event_loop()
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
"""

#: What is put in the way of imports, and how it goes away.
OBSTACLES = {
    "no descriptor": (
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))",
        "resource.setrlimit(resource.RLIMIT_NOFILE, limits)",
    ),
    "no files": ("sys.path[:] = []; __import__('outlive').__path__[:] = []", ""),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_first_calls(script: Scripts, obstacle: str) -> None:
    """Decorating imports what calls need: the first call of any kind computes, and returns."""
    begin, end = OBSTACLES[obstacle]
    assert script.output(f"{BEGIN}\n{begin}\nuse(), use()\n{end}\n") == ""


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_first_hits(script: Scripts, obstacle: str) -> None:
    """The first hits of results that another process kept need no import either."""
    assert script.output(f"{BEGIN}\nuse()\n") == ""
    begin, end = OBSTACLES[obstacle]
    script_of_hits = f"{BEGIN}\nlen(cache), time.sleep(0.01)\nagain = True\n{begin}\nuse()\n{end}\n"
    assert script.output(script_of_hits) == ""


def test_what_cannot_be_imported_is_named(script: Scripts) -> None:
    """A type that the program imports after it decorates stays in the process; it says why."""
    program = """
import resource, warnings
from outlive import Cache

cache = Cache("results.json")

@cache.memoise
def f(x):
    return decimal.Decimal(x)

import decimal
len(cache)
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    assert f(1) == f(1) == 1
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
print([str(warning.message) for warning in told if "cannot be stored" in str(warning.message)])
"""
    output = script.output(program)
    assert "decimal.Decimal (what writes it cannot be imported" in output
    assert "Too many open files" in output
