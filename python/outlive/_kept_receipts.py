"""Receipts that are kept across runs: ``Cache(receipts=True)``, in ``NAME.json.receipts``.

Each run appends a line when it ends, so that runs are not in each other's way. A long file is
summed up in one line, under a lock where the system has one.
"""

from __future__ import annotations

import atexit
import json
import os
from typing import TYPE_CHECKING

from . import _savings
from ._receipts import Receipts, add

if TYPE_CHECKING:
    from ._cache_state import CacheState

#: From this size on a file is added up, in bytes.
_LONG = 64_000
#: The modes in which a cache writes.
_WRITING = ("on", "refresh")


class KeptReceipts:
    """The calls of one ``Cache`` object in this process, and how many of them are written."""

    def __init__(self, state: CacheState) -> None:
        """Register the write at exit."""
        self._state, self._path = state, path_beside(str(state.path))
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
            _append(self._path, news)
        except OSError as error:
            from ._warnings import warn

            message = f"{self._path}: receipts of this run are not kept: {error}"
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


def path_beside(path: str) -> str:
    """Return the path of the receipts of a cache's file."""
    return f"{path}.receipts"


def read(path: str) -> dict[str, Receipts]:
    """Return what a file says of each function; unreadable lines are skipped."""
    found: dict[str, Receipts] = {}
    try:
        with open(path, encoding="utf-8", errors="surrogatepass") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            for name, numbers in json.loads(line).items():
                add(found, name, Receipts(*numbers))
        except (ValueError, TypeError, AttributeError):  # a torn line, somebody's hand
            continue
    return found


def _append(path: str, news: dict[str, Receipts]) -> None:
    descriptor = _opened(path)
    try:
        if os.fstat(descriptor).st_size > _LONG:
            _add_up(path, news)
        else:
            os.write(descriptor, _line(news).encode())
    finally:
        os.close(descriptor)


def _add_up(path: str, news: dict[str, Receipts]) -> None:
    """Replace all lines by their sum, while nobody appends."""
    whole = read(path)
    for name, receipts in news.items():
        add(whole, name, receipts)
    temporary = f"{path}.tmp-{os.getpid()}"
    with open(temporary, "w", encoding="utf-8", opener=_private) as file:
        file.write(_line(whole))
    os.replace(temporary, path)


def _line(receipts: dict[str, Receipts]) -> str:
    return json.dumps({name: list(numbers) for name, numbers in receipts.items()}) + "\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _opened(path: str) -> int:
    """Return a locked descriptor of the file in its place, for appending."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        _lock(descriptor)
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass  # it was removed while we waited
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: an append is one write there, too
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
