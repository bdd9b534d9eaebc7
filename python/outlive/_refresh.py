"""Results that are served and made anew at the same time."""

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
        """A refresh that was begun."""

        def is_alive(self) -> bool:
            """Say whether it may still end by itself."""
            ...

    #: Begins a refresh, in a thread or a task.
    Start = Callable[[_core.Memoised, "Refresh"], Job | None]

#: For so long at most a key is left alone after it was tried, in seconds.
_LONGEST_PAUSE = 60.0


class Refresh:
    """One call that is to be computed anew, and what became of it."""

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
        #: When it ended, whatever came of it; None as long as it did not.
        self.ended: float | None = None
        self._process = os.getpid()

    def end(self, error: Exception | None = None) -> None:
        """Note that it ended: the result is kept, or it failed and the old one is served on."""
        self.ended = time.monotonic()
        memoised = self._memoised()
        if memoised is not None:
            memoised.mark_refresh(self.key, False)
        if error is not None:
            import logging  # only here: it costs every program that imports us 3 ms

            logging.getLogger("outlive").warning(
                "refresh of %s failed", _core.shown_key(self.key), exc_info=error
            )

    def is_cut_off(self) -> bool:
        """Whether it can no longer end: its thread or event loop is gone."""
        if self.ended is not None or self.job is None:
            return False
        return self._process != os.getpid() or not self.job.is_alive()


class Refresher:
    """Computes keys again in the background, each once at a time and, if it fails, not at once."""

    def __init__(self, memoised: weakref.ref[_core.Memoised], start: Start) -> None:
        self._memoised, self._start = memoised, start
        self._pause = _LONGEST_PAUSE
        self._begun: dict[str, Refresh] = {}
        self._lock = threading.Lock()

    def __call__(self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bool:
        """Have the call under ``key`` computed in the background, unless that is under way.

        Returns:
            False if the last try was cut off: then the caller computes, so that nobody is served
            the old result for ever.
        """
        memoised = self._memoised()
        refresh = Refresh(self._memoised, key, args, kwargs or {})
        if memoised is None:
            return True
        with self._lock:
            last = self._begun.get(key)
            if last is not None and last.is_cut_off():
                del self._begun[key]
                return False
            if last is not None and not self._is_over(last):
                return True
            self._drop_old()
            self._begun[key] = refresh
        # The file says so: what the end of this process cuts off, a later one makes good.
        memoised.mark_refresh(key, True)
        try:
            refresh.job = self._start(memoised, refresh)
        except RuntimeError as error:  # no more threads, or the interpreter ends
            refresh.end(error)
        return True

    def is_at(self, key: str) -> bool:
        """Say whether this process has begun to compute ``key``, and knows what comes of it."""
        return key in self._begun

    def set_pause(self, refresh_after: float | None) -> None:
        """Leave a key alone for so long after it was tried, but not for ever."""
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
