"""Old entries are dropped: when the file is written, or on demand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.clock import Clock

DAY = 86400.0


def kept(path: Path) -> list[str]:
    """The keys in the file."""
    return [key for key in json.loads(path.read_text()) if key != "outlive"]


def test_what_expired_long_ago_leaves_the_file(tmp_path: Path) -> None:
    """A save drops entries that have been expired for longer than another ttl and a day."""
    path, clock = tmp_path / "c.json", Clock()
    cache = Cache(path, clock=clock)

    @cache.memoise(name="f", ttl="1h")
    def f(x: int) -> int:
        return x

    for day in range(30):
        f(day)
        cache.save()
        clock.now += DAY
    cache.close()
    assert kept(path) == ["f(x=28)", "f(x=29)"]
    assert Cache(path).keys() == {"f(x=28)", "f(x=29)"}


def test_long_ttls_keep_for_longer(tmp_path: Path) -> None:
    """Entries that serve if a call fails stay; so do those expired less than a ttl ago."""
    path, clock = tmp_path / "c.json", Clock()
    cache = Cache(path, clock=clock)
    week = cache.memoise(lambda x: x, name="week", ttl="7d")
    stale = cache.memoise(lambda x: x, name="stale", ttl="1h", stale_if_error="10d")
    ever = cache.memoise(lambda x: x, name="ever")
    for function in (week, stale, ever):
        function(0)
    clock.now += 11 * DAY
    for function in (week, stale, ever):
        function(1)
    cache.save()
    assert set(kept(path)) == {
        f"{name}(x={x})" for name in ("week", "stale", "ever") for x in (0, 1)
    }
    clock.now += 4 * DAY
    week(2), stale(2)
    cache.close()
    assert {"week(x=0)", "stale(x=0)"}.isdisjoint(kept(path)) and "ever(x=0)" in kept(path)


def test_what_expired_leaves_every_process(tmp_path: Path) -> None:
    """An entry that one object dropped is not brought back by another one that had loaded it."""
    path, clock = tmp_path / "c.json", Clock()
    cache = Cache(path, clock=clock)
    f = cache.memoise(lambda x: x, name="f", ttl="1h")
    f(1)
    clock.now += 3 * DAY
    f(2)
    cache.save()
    assert list(cache) == ["f(x=2)"]


def test_prune_forgets_what_is_old(tmp_path: Path) -> None:
    """``prune`` forgets entries made longer ago than a duration, of one function or of all."""
    path, clock = tmp_path / "c.json", Clock()
    cache = Cache(path, clock=clock)
    f = cache.memoise(lambda x: x, name="f")
    g = cache.memoise(lambda x: x, name="g")
    f(1), g(1)
    clock.now += 2 * DAY
    f(2)
    assert cache.prune(older_than="3d") == 0
    assert cache.prune(older_than="1d", name="f") == 1
    assert list(cache) == ["g(x=1)", "f(x=2)"]
    assert f.cache_info().currsize == 1
    assert cache.prune(older_than="1d") == 1
    cache.close()
    assert kept(path) == ["f(x=2)"]


@pytest.mark.parametrize(
    ("duration", "error"), [("old", ValueError), (-1, ValueError), ([], TypeError)]
)
def test_prune_takes_durations(duration: Any, error: type[Exception]) -> None:
    """A value that is no duration is refused."""
    with pytest.raises(error, match="older_than"):
        Cache().prune(older_than=duration)
