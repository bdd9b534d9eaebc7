"""Receipts that are kept across runs: ``Cache(receipts=True)``, in ``NAME.json.receipts``.

Each run adds a line when it ends, so that runs are not in each other's way.
"""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING

from . import _core, _savings
from ._receipts import Receipts, add

if TYPE_CHECKING:
    from ._cache_state import CacheState

#: The modes in which a cache writes.
_WRITING = ("on", "refresh")


class KeptReceipts:
    """The calls of one ``Cache`` object in this process, and how many of them are written."""

    def __init__(self, state: CacheState) -> None:
        """Register the write at exit."""
        self._state, self._path = state, str(state.path)
        self._written: dict[str, Receipts] = {}
        atexit.register(self.write)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def write(self) -> None:
        """Append what was counted since the last time; trouble with the disk loses these counts."""
        if self._state.core.mode not in _WRITING:
            return
        news = self.unwritten()
        if not news:
            return
        for name, receipts in news.items():
            add(self._written, name, receipts)
        try:
            _core.add_receipts(self._path, news)
        except OSError as error:
            from ._warnings import warn

            message = f"{self._path}.receipts: receipts of this run are not kept: {error}"
            warn("CacheFileWarning", message)

    def unwritten(self) -> dict[str, Receipts]:
        """Return what was counted since the last time."""
        news = {}
        for name, now in _savings.of_cache(self._state).items():
            more = now.minus(self._written.get(name, Receipts()))
            if more.calls > 0:
                news[name] = more
        return news

    def all_runs(self) -> dict[str, Receipts]:
        """Return what all runs did, this one included."""
        found = read(self._path)
        for name, receipts in self.unwritten().items():
            add(found, name, receipts)
        return found

    def _begin_anew(self) -> None:
        """In the child of a fork: what was counted so far is the parent's to write."""
        self._written = _savings.of_cache(self._state)


def read(path: str) -> dict[str, Receipts]:
    """Return what all runs did with the cache at ``path``, by function.

    Raises:
        OSError: the file beside it cannot be read.
    """
    return {name: Receipts(*counts) for name, counts in _core.read_receipts(path).items()}
