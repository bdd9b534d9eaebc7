"""The contract of every store: copies from one to another, and fallbacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive import Cache
from stores.conftest import Place, doubling
from support.clock import Clock


def test_from_one_to_another(place: Place, tmp_path: Path) -> None:
    """Entries are taken over from another cache with their times."""
    clock = Clock()
    with Cache(tmp_path / "other.json", clock=clock) as other:
        doubling(other, ttl=100)[0](1)
    clock.now += 60
    cache = place(clock=clock)
    with Cache(tmp_path / "other.json") as other:
        cache.update(other)
    double, calls = doubling(cache, ttl=100)
    assert (double(1), calls) == ([1, 1], [])
    clock.now += 60
    assert (double(1), calls) == ([1, 1], [1])


def test_copies(place: Place, tmp_path: Path) -> None:
    """A cache is copied to any other with its times, tags, notes and salt, and once only."""
    clock = Clock()
    cache = place(clock=clock)
    double, _ = doubling(cache, tags=lambda result: ["even"] if result[0] % 2 == 0 else [])
    secret = cache.memoise(name="secret", secret=("token",))(lambda token: len(token))
    for x in range(5):
        double(x)
    secret("very secret")
    clock.now += 60
    for name in ("copy.json", "copy.db"):
        with Cache(tmp_path / name, clock=clock) as copy:
            assert (cache.copy_to(copy), cache.copy_to(copy)) == (6, 0)
            double(9)
            assert (cache.copy_to(copy), double.forget(9)) == (1, True)
            doubles = [f"double(x={x})" for x in range(5)]
            (secrets,) = {*cache} - {*doubles}
            assert place.in_order(copy) == place.in_order([*doubles, secrets, "double(x=9)"])
        (tmp_path / name).rename(tmp_path / f"later {name}")
        with Cache(tmp_path / f"later {name}", clock=clock) as later:
            same = later.memoise(name="secret", secret=("token",))(lambda token: -1)
            assert same.peek("very secret") == 11
            assert later.prune(older_than=61) == 0
            assert later.prune(older_than=59) == 6
            assert later.forget(tag="even") == 0
    with pytest.raises(TypeError, match="another cache"):
        cache.copy_to({})  # type: ignore[arg-type]


def test_a_fallback(place: Place, tmp_path: Path) -> None:
    """Entries that a cache lacks are looked up in its fallback, whatever its store."""
    if not place.kind.persists or place.kind.mapping is not None:
        with pytest.raises(ValueError, match="fallback"):
            place(fallback=tmp_path / "behind.json")
        return
    for name in ("behind.json", "behind.db"):
        with Cache(tmp_path / name) as behind:
            doubling(behind)[0](name)
        double, calls = doubling(place(fallback=tmp_path / name))
        assert (double(name), calls) == ([name, name], [])
        place.close()
