"""Daemon threads that make calls."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from .. import _core
from .job import Call

#: How many calls, for each thread, are handed over: the one that it makes, and the next one.
_DEPTH = 2
#: How many seconds a look at threads that do not end is apart from the next.
_SLICE = 0.1


class Pool:
    """Threads that make calls as these are handed over, and end with the map.

    They are daemons: the interpreter does not wait for them.
    """

    def __init__(self, name: str, function: Callable[..., Any], workers: int) -> None:
        """Start nothing before there is something to do."""
        self._name, self._function, self._workers = name, function, workers
        # The threads see the caller's context variables, such as a `with cache.mode(...)`.
        self._context = contextvars.copy_context()
        self._scope = _core.HelperScope.of_thread()
        self._threads = 0
        self._due: SimpleQueue[Call | None] = SimpleQueue()
        self._ended: SimpleQueue[Call] = SimpleQueue()
        self._under_way: dict[int, Call] = {}
        self._process = os.getpid()

    def has_room(self) -> bool:
        """Return whether one more call may be handed over."""
        return len(self._under_way) < _DEPTH * self._workers

    def is_idle(self) -> bool:
        """Return whether no call is under way."""
        return not self._under_way

    def begin(self, call: Call) -> None:
        """Hand a call over.

        Raises:
            RuntimeError: there can be no thread.
        """
        self._begin_anew_in_child()
        if self._threads < min(self._workers, len(self._under_way) + 1):
            self._start()
        # Only what a thread will get is waited for, whatever cuts this off.
        self._due.put(call)
        self._under_way[id(call)] = call

    def ended(self, timeout: float) -> Call | None:
        """Take out a call that is done; None if none is done within ``timeout`` seconds."""
        if timeout > 0:
            self._begin_anew_in_child()
        try:
            call = self._ended.get(timeout > 0, timeout or None)
        except Empty:
            return None
        self._under_way.pop(id(call), None)
        return call

    def stop(self) -> None:
        """Begin no more calls; every thread ends with its present call."""
        while True:
            try:
                call = self._due.get(False)
            except Empty:
                break
            if call is not None:
                self._under_way.pop(id(call), None)
        for _ in range(self._threads):
            self._due.put(None)

    def wait(self) -> list[Call]:
        """Wait for the calls under way after ``stop``, and return those that are done."""
        ended: list[Call] = []
        if self._process != os.getpid():  # a fork left the calls under way to its parent
            return ended
        while any(not call.is_done for call in list(self._under_way.values())):
            call = self.ended(_SLICE)
            if call is not None:
                ended.append(call)
        while (call := self.ended(0)) is not None:
            ended.append(call)
        return ended

    def _begin_anew_in_child(self) -> None:
        """Hand all calls under way over once more in the child of a fork, which has no threads."""
        if self._process == os.getpid():
            return
        left = list(self._under_way.values())
        self._process, self._threads, self._under_way = os.getpid(), 0, {}
        self._due, self._ended = SimpleQueue(), SimpleQueue()
        for call in left:
            if call.is_done:
                self._under_way[id(call)] = call
                self._ended.put(call)
            else:
                self.begin(call)

    def _start(self) -> None:
        arguments = self._due, self._ended, self._function, self._scope
        thread = threading.Thread(
            target=self._context.copy().run,
            args=(_work, *arguments),
            name=f"outlive map {self._name}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError:
            if self._threads == 0:  # else there are fewer than were asked for
                raise
        else:
            self._threads += 1


def _work(
    due: SimpleQueue[Call | None],
    ended: SimpleQueue[Call],
    function: Callable[..., Any],
    scope: _core.HelperScope | None,
) -> None:
    """Make calls until there are no more; the thread does not keep its pool alive."""
    if scope is not None:
        scope.enter()
    while (call := due.get()) is not None:
        try:
            call.value = function(*call.args, **call.kwargs)
        except BaseException as error:
            call.error = error
        call.is_done = True
        ended.put(call)
        del call
