"""``cache_info().currsize`` and ``cache_clear()`` of one function among others."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.programs import Scripts, untyped


def functions_of(cache: Cache) -> list[Any]:
    """Functions whose names are easily taken for each other's."""

    def closure(host: str) -> Any:
        @cache.memoise
        def inside(x: int) -> str:
            return f"{host}{x}"

        return inside

    names = ["f", "ff", "f{", "f=", "g.f", "\u00e9", "f~"]
    named = [untyped(cache.memoise(lambda x: x, name=name)) for name in names]
    versions = [untyped(cache.memoise(lambda x: x, name="f", version=v)) for v in (1, '("(')]
    first = untyped(cache.memoise(lambda x: x, name="first", key="first"))
    return [*named, *versions, first, closure("a"), closure("b")]


def counted(cache: Cache, function: Any) -> int:
    """Return how many keys of ``cache`` are the function's, by looking at each."""
    start = function._outlive_manager.key_start()
    return sum(key.startswith(start) for key in cache)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("limits", [{}, {"maxsize": 40}])
def test_counts_are_those_of_the_entries(tmp_path: Path, seed: int, limits: dict[str, Any]) -> None:
    """Whatever is put or forgotten, each function counts and clears exactly its own keys."""
    dice, path = random.Random(seed), tmp_path / "c.json"
    cache = Cache(path, **limits)
    functions = functions_of(cache)
    for step in range(600):
        function, x = dice.choice(functions), dice.randrange(30)
        match dice.randrange(40):
            case 0:
                others = [
                    key
                    for key in cache
                    if not key.startswith(function._outlive_manager.key_start())
                ]
                function.cache_clear()
                assert list(cache) == others
            case 1:
                cache[f"f({x}"] = x
            case 2:
                cache.close()
            case 3:
                Cache(path)[f"ff(x={x + 100})"] = x
            case 4 if step % 5 == 0:
                cache.clear()
            case n if n < 12:
                function.forget(x)
            case _:
                function(x)
        asked = dice.choice(functions)
        assert asked.cache_info().currsize == counted(cache, asked)
    assert sum(f.cache_info().currsize for f in functions) <= len(cache)


def test_what_another_process_adds_is_counted(tmp_path: Path) -> None:
    """Entries of a file count from the moment when they are loaded."""
    path = tmp_path / "c.json"
    with Cache(path) as cache:
        f = cache.memoise(lambda x: x, name="f")
        for x in range(100):
            f(x)
    with Cache(path) as cache:
        f = cache.memoise(lambda x: x, name="f")
        g = cache.memoise(lambda x: x, name="g")
        assert untyped(f).cache_info().currsize == 100
        assert untyped(g).cache_info().currsize == 0
        untyped(f).cache_clear()
        assert len(cache) == untyped(f).cache_info().currsize == 0


def test_the_size_is_that_of_now(tmp_path: Path, script: Scripts) -> None:
    """``currsize`` counts what another process has computed since, as ``len`` does."""
    with Cache(tmp_path / "c.json") as cache:
        f = cache.memoise(lambda x: x, name="f")
        assert f(1) == 1 and f.cache_info().currsize == 1
        script.output("""
            from outlive import Cache
            f = Cache("c.json").memoise(lambda x: x, name="f")
            for n in range(5): f(n)
        """)
        assert f.cache_info().currsize == 5
