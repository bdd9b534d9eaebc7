"""Background refreshes: a result is served while it is computed anew."""

from __future__ import annotations

import contextvars
import os
import threading
import time
import weakref
from collections.abc import Callable

from . import _core
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Protocol

    class Job(Protocol):
        """A running refresh."""

        def is_alive(self) -> bool:
            """Return whether it may still end by itself."""
            ...

    #: Starts a refresh in a thread or a task.
    Start = Callable[[_core.Memoised, "Refresh"], Job | None]

#: The longest pause after a try, in seconds.
_LONGEST_PAUSE = 60.0


class Refresh:
    """One refresh of a call, and its outcome."""

    def __init__(
        self,
        memoised: weakref.ref[_core.Memoised],
        key: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._memoised = memoised
        self.key, self.args, self.kwargs = key, args, kwargs
        self.job: Job | None = None
        #: The time at which it ended, in success or failure; None while it runs.
        self.ended: float | None = None
        self._process = os.getpid()

    def end(self, error: Exception | None = None) -> None:
        """Note that it ended: with a new result, or with a failure that leaves the old one."""
        self.ended = time.monotonic()
        memoised = self._memoised()
        if memoised is not None:
            memoised._outlive_manager.mark_refresh(self.key, False)
        if error is not None:
            import logging  # only here: it costs every program that imports us 3 ms

            logging.getLogger("outlive").warning(
                "refresh of %s failed", _core.shown_key(self.key), exc_info=error
            )

    def is_cut_off(self) -> bool:
        """Return whether it can no longer end, because its thread or event loop is gone."""
        if self.ended is not None or self.job is None:
            return False
        return self._process != os.getpid() or not self.job.is_alive()


class Refresher:
    """Refreshes keys in the background, each once at a time, and pauses after a failure."""

    def __init__(self, memoised: weakref.ref[_core.Memoised], start: Start) -> None:
        self._memoised, self._start = memoised, start
        self._pause = _LONGEST_PAUSE
        self._begun: dict[str, Refresh] = {}
        # The handler of a signal may call while this thread has it.
        self._lock, self._process = threading.RLock(), os.getpid()

    def __call__(self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bool:
        """Start to compute the call under ``key`` in the background, unless that is under way.

        Returns:
            False if the last try was cut off: then the caller computes, so that the old result is
            not served for ever.
        """
        memoised = self._memoised()
        refresh = Refresh(self._memoised, key, args, kwargs or {})
        if memoised is None:
            return True
        if self._process != os.getpid():  # who held the lock has not come along
            self._lock, self._process = threading.RLock(), os.getpid()
        with self._lock:
            last = self._begun.get(key)
            if last is not None and last.is_cut_off():
                del self._begun[key]
                return False
            if last is not None and not self._is_over(last):
                return True
            self._drop_old()
            self._begun[key] = refresh
        # The file records it, so that a later process repeats a refresh that this one's end cuts
        # off.
        memoised._outlive_manager.mark_refresh(key, True)
        try:
            refresh.job = self._start(memoised, refresh)
        except RuntimeError as error:  # no more threads, or the interpreter ends
            refresh.end(error)
        return True

    def is_at(self, key: str) -> bool:
        """Return whether this process has started to refresh ``key``, and will know the outcome."""
        return key in self._begun

    def is_under_way(self, key: str) -> bool:
        """Return whether this process is computing ``key`` anew in the background."""
        refresh = self._begun.get(key)
        return refresh is not None and refresh.ended is None

    def set_pause(self, refresh_after: float | None) -> None:
        """Set the pause after a try, up to the longest one."""
        self._pause = min(refresh_after or _LONGEST_PAUSE, _LONGEST_PAUSE)

    def _is_over(self, refresh: Refresh) -> bool:
        return refresh.ended is not None and time.monotonic() - refresh.ended >= self._pause

    def _drop_old(self) -> None:
        for key in [key for key, refresh in self._begun.items() if self._is_over(refresh)]:
            del self._begun[key]


def in_thread(memoised: _core.Memoised, refresh: Refresh) -> threading.Thread:
    """Compute in a thread of its own, in a copy of the caller's context."""

    def work() -> None:
        try:
            memoised.refresh(*refresh.args, **refresh.kwargs)
        except Exception as error:
            refresh.end(error)
        else:
            refresh.end()

    name = f"outlive refresh of {memoised.__qualname__}"
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name=name, daemon=True)
    thread.start()
    return thread
