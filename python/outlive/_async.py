"""``async def`` functions: how a call suspends, and who is told what when it is cancelled.

A hit does not suspend. A miss is computed by a task of its own, which belongs to nobody's
cancellation: it is cancelled when the last one who waits for it has gone. Whoever waits does so in
the event loop that it runs in; nothing here belongs to a loop beyond one call.

- asyncio, and anyio on top of it: as above. The function runs in a copy of the context of the task
  that asked first: it sees that task's context variables, and what it sets stays its own.
- trio, and anyio on top of it: the function runs in the task that asked first. If that one is
  cancelled, another one that waits begins anew. Background refreshes (``refresh_after``) do not
  happen there: nothing may start a task that no nursery holds.
- Any other loop, or a coroutine driven by hand: hits are served and results kept, but a call
  computes rather than wait for another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

from . import _core
from ._core import Turn
from ._typing import TYPE_CHECKING
from ._warnings import asking, users_line

if TYPE_CHECKING:
    from ._warnings import Line

_log = logging.getLogger("outlive")

#: How a key held by another process is asked for again, in seconds: first and longest pause.
_PAUSES = 0.0005, 0.02
#: How often who waits for a task of another loop looks whether that loop still runs, in seconds.
_LOOK = 0.05
#: How long a loop may stand still between two ``run_until_complete`` before others take over.
_GRACE = 0.1

#: What a memoised function has, whether it suspends or not.
_ATTRIBUTES = (
    *("cache_info", "cache_clear", "cache_parameters", "cache_key", "cache_contains"),
    *("peek", "put", "forget"),
)

#: The tasks that compute, by loop: a loop itself keeps no task alive.
_tasks: dict[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]] = {}


def face(native: _core.Memoised, function: Callable[..., Any]) -> Any:
    """Return the ``async def`` function that stands for ``native``, with all its attributes."""

    @functools.wraps(function)
    async def memoised(*args: Any, **kwargs: Any) -> Any:
        found = native(*args, **kwargs)
        return await _finish(found) if type(found) is Turn else found

    async def refresh(*args: Any, **kwargs: Any) -> Any:
        """Compute this call anew and keep the result, whatever is stored."""
        return await _finish(native.refresh(*args, **kwargs))

    for name in _ATTRIBUTES:
        setattr(memoised, name, getattr(native, name))
    shown: Any = memoised
    shown.refresh, shown._outlive_native = refresh, native
    return shown


async def _finish(found: Any) -> Any:
    """Take turns until there is a result."""
    while type(found) is Turn:
        if found.waits:
            outcome = await _wait(found)
        elif found.leads:
            outcome = await _lead(found)
        else:
            return await _compute(found)
        if outcome is not None:
            return outcome[0]
        found = found.again()
    return found


async def _compute(turn: Turn) -> Any:
    """Await the function and keep what it returns."""
    function, args, kwargs = turn.call
    turn.count()
    try:
        value = await function(*args, **kwargs)
    except Exception as error:
        return turn.fail(error)
    return turn.keep(value)


async def _compute_for_all(turn: Turn, sleep: Callable[[float], Any] | None) -> tuple[Any] | None:
    """Compute what others wait for; None if another process has done so meanwhile."""
    pause, longest = _PAUSES
    while sleep is not None and turn.is_busy():
        await sleep(pause)
        pause = min(2 * pause, longest)
    return (await _compute(turn),) if turn.is_needed() else None


async def _lead(turn: Turn) -> tuple[Any] | None:
    """Compute for everybody, in a task of its own where that can be."""
    library = _library()
    if library is not asyncio:
        return await _lead_here(turn, None if library is None else library.sleep)
    waiting = turn.attend()
    worker = Worker(turn)
    try:
        outcome: tuple[Any] | None = await worker.result
        return outcome
    except asyncio.CancelledError:
        waiting.give_up()
        await worker.end()
        raise
    finally:
        waiting.give_up()
        del worker  # it holds the exception, whose traceback holds this frame


async def _lead_here(turn: Turn, sleep: Callable[[float], Any] | None) -> tuple[Any] | None:
    """Compute in the caller's own task; if that is stopped, another one takes over."""
    token = turn.enter()
    try:
        return await _compute_for_all(turn, sleep)
    finally:
        turn.give_up()
        with contextlib.suppress(ValueError):  # a coroutine may be closed in another context
            Turn.leave(token)


class Worker:
    """The task that computes a key, as those who wait for it see it."""

    def __init__(self, turn: Turn) -> None:
        """Start it in the running loop, in a copy of the caller's context."""
        self._loop = asyncio.get_running_loop()
        self._turn, self._process = weakref.ref(turn), os.getpid()
        self._is_cancelled = False
        self._stands_since: float | None = None
        #: For the caller that started it: the result, None to look again, or what stopped it.
        self.result: asyncio.Future[tuple[Any] | None] = self._loop.create_future()
        turn.led_by(self)
        work = _work(turn, self.result, users_line())
        task = self._loop.create_task(work, name=f"outlive {turn.name}")
        self._task = weakref.ref(task)
        task.add_done_callback(functools.partial(_ended, turn, self.result))
        _hold(self._loop, task)

    def deserted(self) -> None:
        """Nobody waits any more (called in any thread): cancel the task, unless somebody comes."""
        if _running_loop() is self._loop:
            self._cancel()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        task, turn = self._task(), self._turn()
        if task is None or turn is None or self._is_cancelled or turn.is_awaited():
            return
        self._is_cancelled = True
        task.cancel()

    async def end(self) -> None:
        """Wait for a task that was cancelled, as who awaits a coroutine does."""
        task = self._task()
        if self._is_cancelled and task is not None:
            await asyncio.wait([task])

    def is_lost(self) -> bool:
        """Whether the task cannot go on, because its loop is gone or stands still."""
        if os.getpid() != self._process or self._loop.is_closed():
            return True
        if self._loop.is_running():
            self._stands_since = None
            return False
        now = time.monotonic()
        self._stands_since = self._stands_since or now
        return now - self._stands_since > _GRACE


async def _work(turn: Turn, result: asyncio.Future[tuple[Any] | None], line: Line) -> None:
    """Compute, and tell the caller that started it; others are told by the turn itself."""
    turn.enter()
    asking.set(line)
    try:
        outcome = await _compute_for_all(turn, asyncio.sleep)
    except asyncio.CancelledError:
        result.cancel()
        raise
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if not result.done():
            result.set_exception(error)
        elif not isinstance(error, Exception):
            raise
    else:
        if not result.done():
            result.set_result(outcome)
    finally:
        turn.give_up()
        del result  # it holds the exception, whose traceback holds this frame


def _ended(turn: Turn, result: asyncio.Future[Any], _: asyncio.Task[None]) -> None:
    """Hand over also where the task was cancelled before it began."""
    turn.give_up()
    result.cancel()


async def _wait(turn: Turn) -> tuple[Any] | None:
    """Wait for somebody else's outcome; None if there is none."""
    library = _library()
    if library is None:
        turn.go_alone()
        return (await _compute(turn),)
    try:
        await (_wait_in_loop(turn) if library is asyncio else _wait_in_trio(turn, library))
        return turn.outcome()
    finally:
        turn.give_up()


async def _wait_in_loop(turn: Turn) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    turn.on_done(functools.partial(_wake, loop, done))
    timer = None

    def look() -> None:
        nonlocal timer
        turn.look()
        timer = loop.call_later(_LOOK, look)

    if turn.may_be_lost():
        timer = loop.call_later(_LOOK, look)
    try:
        await done
    finally:
        if timer is not None:
            timer.cancel()


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        loop.call_soon_threadsafe(_set, done)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


async def _wait_in_trio(turn: Turn, trio: Any) -> None:
    token, done = trio.lowlevel.current_trio_token(), trio.Event()

    def wake() -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    turn.on_done(wake)
    while not done.is_set():
        with trio.move_on_after(_LOOK):
            await done.wait()
        turn.look()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _library() -> Any:
    """Return the module of the event loop that runs here: asyncio, trio, or None for any other."""
    trio = sys.modules.get("trio")
    if trio is not None:  # asked first: a trio that is a guest of asyncio has both
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_task()
            return trio
    return None if _running_loop() is None else asyncio


def _hold(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Keep ``task`` alive until it is done, or its loop is closed."""
    if loop not in _tasks:
        for other in [loop for loop in list(_tasks) if loop.is_closed()]:
            _tasks.pop(other, None)
    _tasks.setdefault(loop, set()).add(task)
    task.add_done_callback(_release)


def _release(task: asyncio.Task[Any]) -> None:
    loop = task.get_loop()
    tasks = _tasks.get(loop, set())
    tasks.discard(task)
    if not tasks:
        _tasks.pop(loop, None)


class Refresher:
    """Computes keys again in background tasks of the caller's loop, each once at a time."""

    def __init__(self, memoised: weakref.ref[_core.Memoised]) -> None:
        self._memoised = memoised
        self._busy: dict[str, asyncio.Task[None]] = {}

    def __call__(self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Have the call under ``key`` computed by a task of its own, unless one is at it."""
        memoised, loop, busy = self._memoised(), _running_loop(), self._busy.get(key)
        if memoised is None or loop is None:
            return
        if busy is not None and not busy.done() and busy.get_loop().is_running():
            return
        work = self._refresh(memoised, key, args, kwargs or {})
        name = f"outlive refresh of {memoised.__qualname__}"
        task = loop.create_task(work, name=name)
        if not task.done():
            self._busy[key] = task
            _hold(loop, task)

    async def _refresh(
        self, memoised: Any, key: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            await _finish(memoised.refresh(*args, **kwargs))
        except Exception:  # the old result goes on being served; the next call tries again
            _log.warning("refresh of %s failed", key, exc_info=True)
        finally:
            self._busy.pop(key, None)
