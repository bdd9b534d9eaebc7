"""A shell, and a cache to look into."""

from __future__ import annotations

from pathlib import Path

import pytest

from look_inside.terminal import Shell
from outlive import Cache
from support.clock import Clock

#: When the last entry of the cache was made: in 2001.
NOW = 1e9


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run ``outlive`` in a folder of its own."""
    return Shell(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a file of two functions: three pages of one, a day apart, and four prices of another."""
    path, clock = tmp_path / "shop.json", Clock()
    with Cache(path, clock=clock) as cache:
        fetch = cache.memoise(
            lambda uri, page: {"page": page, "text": "ä" * page}, name="shop.fetch"
        )
        price = cache.memoise(lambda item, token: 3.5, name="shop.price", secret=("token",))
        for page in (1, 2, 3):
            clock.now = NOW - 86400 * (3 - page)
            fetch("/x", page)
        for item in ("tea", "jam", "salt", "rice"):
            price(item, token="hunter2")
    return path
