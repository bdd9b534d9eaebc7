"""An entry forgotten in a mode that leaves the file alone can later be forgotten for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outlive import Cache

WAYS: dict[str, Callable[[Cache], object]] = {
    "one key": lambda cache: cache.forget("f(x=1)"),
    "a pattern": lambda cache: cache.forget("f(*"),
    "with all copies": lambda cache: cache.forget(erase=True),
    "a function": lambda cache: cache.memoise(lambda x: x, name="f").cache_clear(),
    "everything": Cache.clear,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_block_dropped_can_be_forgotten(tmp_path: Path, way: str) -> None:
    """After a readonly block, an entry forgotten there is not found by the next process."""
    with Cache(tmp_path / "c.json") as cache:
        f = cache.memoise(lambda x: x, name="f")
        f(1)
        with cache.mode("readonly"):
            f.forget(1)
        WAYS[way](cache)
    text = (tmp_path / "c.json").read_text()
    assert "f(x=1)" not in text
