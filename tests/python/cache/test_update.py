"""A cache that copies the entries of another one."""

from __future__ import annotations

from pathlib import Path

from outlive import Cache
from support.clock import Clock


def test_update_keeps_times(tmp_path: Path) -> None:
    """Results that come from another cache are as old as they were there."""
    clock = Clock()
    one, two = (Cache(tmp_path / name, clock=clock) for name in ("one.json", "two.json"))
    one.memoise(lambda x: x, name="f", tags=("t",))(1)
    clock.now += 3600
    two.update(one, **{"by hand": {1, 2}})
    assert two["f(x=1)"] == 1 and two["by hand"] == {1, 2}
    f = two.memoise(lambda x: -x, name="f", ttl="30m")
    assert f(1) == -1
    assert one["f(x=1)"] == 1


def test_update_keeps_tags_and_what_no_file_holds(tmp_path: Path) -> None:
    """Tags come along, and so does a result that lives in this process only."""
    one, two = Cache(), Cache(tmp_path / "two.json")
    odd = object()
    one.memoise(lambda: odd, name="odd", on_unstorable="ignore", copy=False)()
    one.memoise(lambda: 1, name="tagged", tags=("t",))()
    two.update(one)
    assert two["odd()"] is odd
    assert two.forget(tag="t") == 1


def test_a_merge_in_place_keeps_times(tmp_path: Path) -> None:
    """``cache |= other`` is an update."""
    clock = Clock()
    one, two = (Cache(tmp_path / name, clock=clock) for name in ("one.json", "two.json"))
    one.memoise(lambda: 1, name="f")()
    clock.now += 3600
    two |= one
    assert two.memoise(lambda: 2, name="f", ttl="30m")() == 2


def test_sync_takes_in_what_others_did(tmp_path: Path) -> None:
    """``sync`` reads what others wrote, on demand."""
    one, two = Cache(tmp_path / "c.json"), Cache(tmp_path / "c.json")
    one["a"] = 1
    two.sync()
    assert two["a"] == 1
