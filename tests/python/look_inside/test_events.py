"""Hooks and the log: who is told of misses, stores and hits, and that others pay nothing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

import outlive
from outlive import Cache, Event
from support.clock import Clock
from support.programs import run, untyped
from support.threads import together


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of outlive at level DEBUG."""
    caplog.set_level(logging.DEBUG, logger="outlive")
    return caplog


def test_hooks_hear_of_everything(tmp_path: Path) -> None:
    """Each miss, store and hit is one event with function, key, file, reason, seconds and bytes."""
    path, clock, events = tmp_path / "c.json", Clock(), list[Event]()
    cache = Cache(
        path, clock=clock, on_hit=events.append, on_miss=events.append, on_store=events.append
    )
    f = cache.memoise(lambda x: "abc", name="f", ttl=10)
    f(1), f(1), f(1)
    clock.now += 20
    f(1)
    assert [(event.kind, event.reason) for event in events] == [
        *(("miss", "never seen"), ("store", None), ("hit", None), ("hit", None)),
        *(("miss", "expired"), ("store", None)),
    ]
    assert {(e.function, e.key, e.path) for e in events} == {("f", "f(x=1)", str(path))}
    assert events[1].size == len('"abc"') and events[1].seconds is not None
    f.refresh(1)
    assert events[-2][:1] + events[-2][4:5] == ("miss", "refresh")
    assert f.cache_info()[:2] == (2, 3)


def test_hooks_belong_to_one_object(tmp_path: Path) -> None:
    """Another object on the same file reports none of them."""
    events: list[Event] = []
    watched, other = Cache(tmp_path / "c.json", on_hit=events.append), Cache(tmp_path / "c.json")
    f, g = watched.memoise(lambda x: x, name="f"), other.memoise(lambda x: x, name="g")
    for _ in range(3):
        f(1), g(1)
    assert [event.function for event in events] == ["f", "f"]


def test_hooks_of_coroutines(tmp_path: Path) -> None:
    """Coroutine functions report the same; callers that wait for a leader are hits."""
    events: list[Event] = []
    cache = Cache(
        tmp_path / "c.json", on_hit=events.append, on_miss=events.append, on_store=events.append
    )

    @cache.memoise
    async def slow(x: int) -> int:
        await asyncio.sleep(0.01)
        return x

    async def three() -> None:
        await asyncio.gather(*(slow(1) for _ in range(3)))

    asyncio.run(three())
    kinds = [event.kind for event in events]
    assert sorted(kinds) == ["hit", "hit", "miss", "store"] and kinds[0] == "miss"


def test_hooks_of_threads(tmp_path: Path) -> None:
    """Of threads that ask at once, one is a miss and every other one a hit."""
    events: list[str] = []

    def note(event: Event) -> None:
        events.append(event.kind)

    cache = Cache(tmp_path / "c.json", on_hit=note, on_miss=note, on_store=note)
    f = cache.memoise(lambda x: x, name="f")
    together(8, lambda n: f(1))
    assert sorted(events) == ["hit"] * 7 + ["miss", "store"]


def test_a_hook_that_raises_is_told_once(tmp_path: Path) -> None:
    """The call goes on, and one warning names the hook."""

    def broken(event: Event) -> None:
        raise ValueError("no")

    cache = Cache(tmp_path / "c.json", on_miss=broken, on_store=broken)
    f = cache.memoise(lambda x: x, name="f")
    with pytest.warns(UserWarning, match="raised ValueError: no") as told:
        assert [f(1), f(2), f(1)] == [1, 2, 1]
    assert sorted(str(each.message).split("=")[0] for each in told) == ["on_miss", "on_store"]
    assert len(cache) == 2
    with pytest.raises(TypeError, match="on_hit= takes a callable"):
        untyped(Cache)(None, on_hit=3)


def test_a_hook_that_ends_the_program_ends_it(tmp_path: Path) -> None:
    """Anything but an Exception passes through, and the key is free again."""

    def leave(event: Event) -> None:
        raise KeyboardInterrupt

    cache = Cache(tmp_path / "c.json", on_miss=leave)
    f = cache.memoise(lambda x: x, name="f")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            f(1)


def test_misses_and_stores_are_logged(tmp_path: Path, debug: Any) -> None:
    """The log has them at level DEBUG with reason and seconds, and no hit."""
    cache = Cache(tmp_path / "c.json")
    f = cache.memoise(lambda x: x, name="f")
    f(1), f(1), f(1)
    miss, store = debug.messages
    assert miss == 'miss: "f(x=1)" was never seen here'
    assert store.startswith('stored: "f(x=1)", 1 B, computed in ')
    f("y" * 10_000)
    assert all(len(message) < 400 for message in debug.messages)


def test_hits_are_logged_on_demand(tmp_path: Path, debug: Any) -> None:
    """``log_hits(True)`` logs each hit, also of functions that were called before, until it ends."""
    f = Cache(tmp_path / "c.json").memoise(lambda x: x, name="f")
    f(1), f(1)
    debug.clear()
    outlive.log_hits(True)
    try:
        f(1), f(1)
    finally:
        outlive.log_hits(False)
    f(1), f(1)
    assert debug.messages == ['hit: "f(x=1)"'] * 2
    assert f.cache_info().hits == 5


def test_trouble_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Warnings are in the log, too, at level WARNING, if there is a log."""
    f = Cache(tmp_path / "c.json").memoise(lambda x: object(), name="f")
    with pytest.warns(UserWarning, match="cannot be stored"):
        f(1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be stored" in caplog.text


def test_trouble_is_told_once_without_a_log(tmp_path: Path) -> None:
    """A program that imports ``logging`` and sets nothing up reads a warning once."""
    code = """
        import logging
        from outlive import Cache
        Cache("c.json").memoise(lambda x: object(), name="f")(1)
    """
    from support.programs import Scripts

    assert Scripts(tmp_path)(code).err.count("cannot be stored") == 1


def test_secrets_are_in_no_event(tmp_path: Path, debug: Any) -> None:
    """A secret argument is in events and in the log as its digest."""
    events: list[Event] = []
    cache = Cache(tmp_path / "c.json", on_miss=events.append)
    f = cache.memoise(lambda x, token: x, name="f", secret=("token",))
    f(1, token="hunter2")
    assert events and "hunter2" not in f"{events} {debug.messages} {f.explain(1, token='hunter2')}"


def test_an_import_of_outlive_does_not_import_logging(tmp_path: Path) -> None:
    """Misses and stores do not set up a log in a program without one."""
    code = """
        import sys
        from outlive import Cache
        Cache("c.json").memoise(lambda x: x)(1)
        print("logging" in sys.modules)
    """
    assert run(tmp_path, code) == "False\n"
