"""The steps of a call with many items that take time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .._core import PendingCall
from .._steps import Step

#: How often who waits for another thread looks whether there is something to say, in seconds.
_LOOK = 0.05


class Compute(Step):
    """Call the function, as part of the computations of all these keys."""

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
    """Wait for another call that computes; False if ``wait=`` is over."""

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
