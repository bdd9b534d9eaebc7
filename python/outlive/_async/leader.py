"""Computes for all waiting callers, in a task that no caller's cancellation reaches."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import os
import time
import weakref
from typing import Any

from .._core import PAUSES, PendingCall
from .._typing import TYPE_CHECKING
from .._warnings import asking, asking_line
from . import away
from .loops import hold, running_loop

if TYPE_CHECKING:
    from .._warnings import Line

#: How many seconds a loop may stand still between two ``run_until_complete`` before waiting
#: callers take over.
_GRACE = 0.1
_UNSET: Any = object()


async def compute(call: PendingCall, library: Any) -> Any:
    """Await the function and keep what it returns."""
    function, args, kwargs = call.target
    call.count()
    token = call.note_previous()
    try:
        value = await function(*args, **kwargs)
    except Exception as error:
        return await _failed(call, error, library)
    finally:
        if token is not None:
            PendingCall.leave_previous(token)
    if library is None or not call.is_away:
        return call.keep(value)
    kept = await away.done(functools.partial(call.write, value), library)
    return call.written() if kept is None else kept[0]


async def _failed(call: PendingCall, error: Exception, library: Any) -> Any:
    """Return an older result, or raise the exception, once what is kept of it is written."""
    try:
        return call.fail(error)
    finally:
        if library is not None and call.is_away and call.is_unsettled:
            await away.done(call.settle, library)


async def _compute_for_all(call: PendingCall, library: Any) -> tuple[Any] | None:
    """Compute for the waiting callers; None if another process has done so meanwhile."""
    pause, longest = PAUSES
    if library is None and call.is_away:
        call.acquire()
    while library is not None and await _is_busy(call, library):
        await library.sleep(pause)
        pause = min(2 * pause, longest)
    return (await compute(call, library),) if call.is_missing() else call.found()


async def _is_busy(call: PendingCall, library: Any) -> bool:
    """Return whether another process computes this key and may be waited for."""
    if call.is_away:
        await away.done(call.ask_for_key, library)
    return call.is_busy()


async def lead(call: PendingCall, library: Any) -> tuple[Any] | None:
    """Compute for all callers, in a task of its own if the library has such tasks."""
    if library is not asyncio:
        return await _lead_here(call, library)
    waiting = call.subscribe()
    worker = LeaderTask(call)
    try:
        outcome: tuple[Any] | None = await worker.result
        return outcome
    except asyncio.CancelledError:
        waiting.give_up()
        await worker.end()
        raise
    finally:
        waiting.give_up()
        adopt(worker.context)
        del worker  # it holds the exception, whose traceback holds this frame


async def _lead_here(call: PendingCall, library: Any) -> tuple[Any] | None:
    """Compute in the caller's own task; if it is cancelled, another caller takes over."""
    token = call.enter()
    try:
        return await _compute_for_all(call, library)
    finally:
        call.give_up()
        with contextlib.suppress(ValueError):  # a coroutine may be closed in another context
            PendingCall.leave(token)


def adopt(contexts: list[contextvars.Context]) -> None:
    """Set the context variables that a coroutine set in its task, as a plain ``await`` would."""
    for context in contexts:
        for variable, value in context.items():
            if variable.name.startswith("outlive"):
                continue
            if variable.get(_UNSET) is not value:
                variable.set(value)


class LeaderTask:
    """The task that computes a key, as waiting callers see it."""

    def __init__(self, call: PendingCall) -> None:
        """Start the task in the running loop, in a copy of the caller's context."""
        self._loop = asyncio.get_running_loop()
        self._call, self._process = weakref.ref(call), os.getpid()
        self._is_cancelled = False
        self._stands_since: float | None = None
        #: For the caller that started it: the result, None to look again, or what stopped it.
        self.result: asyncio.Future[tuple[Any] | None] = self._loop.create_future()
        #: The context in which it computed, once it is done.
        self.context: list[contextvars.Context] = []
        call.set_leader(self)
        work = _work(call, self.result, asking_line(), self.context)
        task = self._loop.create_task(work, name=f"outlive {call.name}")
        self._task = weakref.ref(task)
        task.add_done_callback(functools.partial(_ended, call, self.result))
        hold(self._loop, task)

    def deserted(self) -> None:
        """Cancel the task, which no caller awaits any more. Any thread may call this."""
        if running_loop() is self._loop:
            self._cancel()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        task, call = self._task(), self._call()
        if task is None or call is None or self._is_cancelled or call.is_awaited():
            return
        self._is_cancelled = True
        task.cancel()

    async def end(self) -> None:
        """Wait for a cancelled task, as an ``await`` of a coroutine does."""
        task = self._task()
        if self._is_cancelled and task is not None:
            await asyncio.wait([task])

    def is_lost(self) -> bool:
        """Return whether the task cannot go on, because its loop is gone or stands still."""
        if os.getpid() != self._process or self._loop.is_closed():
            return True
        if self._loop.is_running():
            self._stands_since = None
            return False
        now = time.monotonic()
        self._stands_since = self._stands_since or now
        return now - self._stands_since > _GRACE


async def _work(
    call: PendingCall,
    result: asyncio.Future[tuple[Any] | None],
    line: Line | None,
    context: list[contextvars.Context],
) -> None:
    """Compute, and hand the outcome to the caller that started it; the flight serves others."""
    call.enter()
    asking.set(line)
    try:
        outcome = await _compute_for_all(call, asyncio)
    except asyncio.CancelledError as error:
        result.cancel(*error.args[:1])
        raise
    except BaseException as error:  # such as pytest's outcomes, which are no Exceptions
        if result.get_loop().is_closed():  # the task is taken apart: nobody can be told there
            raise
        if not result.done():
            result.set_exception(error)
        elif not isinstance(error, Exception):
            raise
    else:
        if not result.done():
            result.set_result(outcome)
    finally:
        context.append(contextvars.copy_context())
        call.give_up()
        del result  # it holds the exception, whose traceback holds this frame


def _ended(call: PendingCall, result: asyncio.Future[Any], _: asyncio.Task[None]) -> None:
    """Hand over the outcome, even if the task was cancelled before it began."""
    call.give_up()
    result.cancel()
