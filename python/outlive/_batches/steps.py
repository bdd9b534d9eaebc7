"""What a call of many items does where it must wait: in a thread, or in a task."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from .._core import PendingCall

#: How often who waits for another thread looks whether there is something to say, in seconds.
_LOOK = 0.05


class Step:
    """Something that takes time."""

    def now(self) -> Any:
        """Do it in this thread."""
        raise NotImplementedError

    async def later(self, library: Any) -> Any:
        """Do it in a task of this event loop."""
        raise NotImplementedError


class Compute(Step):
    """Call the function; the call is part of the computations of all these keys."""

    def __init__(self, call: Callable[[], Any], pending: list[PendingCall]) -> None:
        self._call, self._pending = call, pending

    def now(self) -> Any:
        return self._call()

    async def later(self, library: Any) -> Any:  # noqa: ARG002 - it is awaited in any loop
        token = PendingCall.enter_all(self._pending)
        try:
            return await self._call()
        finally:
            if token is not None:
                PendingCall.leave(token)


class Wait(Step):
    """Wait for another one who computes; False if ``wait=`` is over."""

    def __init__(self, call: PendingCall) -> None:
        self._call = call

    def now(self) -> bool:
        done = threading.Event()
        self._call.on_done(done.set)
        limit = self._call.wait_limit
        pause = _LOOK if limit is None else min(_LOOK, limit)
        while not done.wait(pause):
            if not self._call.check_leader():
                return False
        return True

    async def later(self, library: Any) -> bool:
        from .._async.wait import ended

        return library is not None and await ended(self._call, library)


class Pause(Step):
    """Let others go on for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> None:
        time.sleep(self._seconds)

    async def later(self, library: Any) -> None:
        if library is not None:
            await library.sleep(self._seconds)


def run(steps: Generator[Step, Any, Any]) -> Any:
    """Take all steps in this thread, and return what comes of them."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step.now()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value


async def run_later(steps: Generator[Step, Any, Any]) -> Any:
    """Take all steps in this task, and return what comes of them."""
    from .._async import loops

    library = loops.library()
    try:
        step = next(steps)
        while True:
            try:
                answer = await step.later(library)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value
