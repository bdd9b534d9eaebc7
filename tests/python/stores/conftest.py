"""The stores, each with what it promises; a test of the contract runs for all that keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache


@dataclass(frozen=True)
class Kind:
    """A kind of store, and what it lacks."""

    name: str
    #: What a cache file of it is called; None: there is none.
    file: str | None
    #: Whether results outlive the process.
    persists: bool = True
    #: Whether memory may hold less than the store does.
    is_paged: bool = False


KINDS = [
    Kind("json", "cache.json"),
    Kind("sqlite", "cache.db", is_paged=True),
    Kind("sqlite without memory", "cache.db", is_paged=True),
    Kind("memory", None, persists=False),
]


class Place:
    """Where caches of one kind are made, all on one file."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        """Have them made in ``folder``."""
        self.kind, self.folder = kind, folder
        self._open: list[Cache] = []

    def __call__(self, **options: Any) -> Cache:
        """Make a cache; one in memory is made once."""
        if self.kind.file is None:
            if not self._open:
                self._open.append(Cache(None, **options))
            return self._open[0]
        if self.kind.name == "sqlite without memory":
            options["near"] = 0
        self._open.append(Cache(self.folder / self.kind.file, **options))
        return self._open[-1]

    def close(self) -> None:
        """End what a process would, and have the next cache read what is kept, from another folder."""
        while self._open:
            self._open.pop().close()
        if self.kind.file is None:
            return
        new = self.folder / "later"
        new.mkdir()
        for path in self.files():
            path.rename(new / path.name)
        self.folder = new

    def files(self) -> list[Path]:
        """What lies in the folder of the cache."""
        return sorted(path for path in self.folder.iterdir() if path.is_file())


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Makes caches of each kind of store."""
    made = Place(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[kind for kind in KINDS if kind.persists], ids=lambda kind: str(kind.name))
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The same, of each kind whose results outlive the process."""
    made = Place(request.param, tmp_path)
    yield made
    made.close()
