"""The generator functions that users call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import aclosing
from typing import Any

from .. import _core
from .._core import PendingCall
from .._steps import Pause, Step, run, run_later
from .._wrappers import as_face
from .live import Live
from .pieces import own_copy, parts_of
from .recording import CutOffError, ThreadRecording
from .tasks import TaskRecording, loop_of

#: How often, and with what pause in seconds, who finds a stream led by another thread looks whether
#: it can be joined: that one is about to begin it.
_LOOKS, _PAUSE = 50, 0.001


def face(native: _core.Memoised, function: Callable[..., Any], controls: Iterable[str]) -> Any:
    """Return the generator function that stands for ``native``, with all its ``controls``."""
    make = _suspending if inspect.isasyncgenfunction(function) else _plain
    shown, refresh = make(native, function)
    return as_face(shown, native, controls, refresh)


def _plain(native: _core.Memoised, function: Callable[..., Any]) -> tuple[Any, Any]:
    live: Live[ThreadRecording] = Live()

    @functools.wraps(function)
    def memoised(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _consume(native(*args, **kwargs), live))

    def refresh(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        """Run the function anew, and keep its stream once it was consumed to the end."""
        return (yield from _consume(native.refresh(*args, **kwargs), live))

    return memoised, refresh


def _consume(call: Any, live: Live[ThreadRecording]) -> Generator[Any, Any, Any]:
    """Yield a stream: one that is kept, is under way, or begins."""
    while True:
        found = call if type(call) is not PendingCall else _joined(call, live)
        if type(found) is not ThreadRecording:
            pieces, returned = parts_of(found)
            for piece in pieces:
                _take((yield piece))
            return returned
        given = 0
        try:
            while given or not isinstance(found.error, CutOffError):
                own = found.advance(given)
                if own is not None:
                    given += 1
                    _take((yield own[0]))
                elif given < len(found.pieces) and not found.is_one_shot:
                    given += 1
                    _take((yield own_copy(found.pieces[given - 1])))
                elif given < len(found.pieces) or found.is_over:
                    break
            error = found.error_after(given)
            if error is None:
                return found.returned
            if given or not isinstance(error, CutOffError):
                raise error
        finally:
            if live.leave(found):
                found.close()
        call = call.retry()


def _take(sent: Any) -> None:
    """Refuse what a consumer sends: neither a replay nor a shared stream could answer it."""
    if sent is not None:
        raise TypeError("a memoised stream takes nothing by send(): it may be a replay")


def _joined(call: PendingCall, live: Live[ThreadRecording]) -> Any:
    """Return the recording to consume, or a result that has become available."""
    if _begins(call):  # nearly always, and the first piece is wanted now
        return live.begin(ThreadRecording(call))
    return run(_search(call, live, None, True, ThreadRecording))


def _begins(call: PendingCall) -> bool:
    """Return whether the stream begins here and now: no process that clears up is in the way.

    Such a process would neither see this one nor tell it what it purges.
    """
    return call.leads and (call.is_away or (not call.is_busy() and call.is_missing()))


def _search(
    call: Any, live: Live[Any], loop: object, may_wait: bool, begin: Callable[[PendingCall], Any]
) -> Generator[Step, Any, Any]:
    """Find the recording to consume in steps, or begin it."""
    for _ in range(_LOOKS):
        if type(call) is not PendingCall:
            return call
        if call.leads:  # no other process is waited for, except for one that clears up
            while may_wait and not call.is_away and call.is_busy():
                yield Pause(_PAUSE)
            if call.is_missing():
                break
            call = call.retry()
            continue
        found = live.join(call, loop)
        if found is not None:
            return found
        if not (call.waits and may_wait):
            break
        yield Pause(_PAUSE)
        call = call.retry()
    if call.waits:
        call.compute_beside()
    return live.begin(begin(call))


def _suspending(native: _core.Memoised, function: Callable[..., Any]) -> tuple[Any, Any]:
    live: Live[TaskRecording] = Live()

    @functools.wraps(function)
    async def memoised(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        async with aclosing(_consume_later(native(*args, **kwargs), live)) as stream:
            async for piece in stream:
                _take((yield piece))

    async def refresh(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        """Run the function anew, and keep its stream once it was consumed to the end."""
        async with aclosing(_consume_later(native.refresh(*args, **kwargs), live)) as stream:
            async for piece in stream:
                _take((yield piece))

    return memoised, refresh


async def _consume_later(call: Any, live: Live[TaskRecording]) -> AsyncGenerator[Any, Any]:
    """Yield a stream: one that is kept, is under way, or begins."""
    while True:
        found = await _joined_later(call, live)
        if not isinstance(found, TaskRecording):
            for piece in parts_of(found)[0]:
                yield piece
            return
        given = 0
        try:
            if found.consumers > 1:
                await found.may_be_joined()
            while given or not isinstance(found.error, CutOffError):
                own = await found.advance(given)
                if own is not None:
                    given += 1
                    yield own[0]
                elif given < len(found.pieces) and not found.is_one_shot:
                    given += 1
                    yield own_copy(found.pieces[given - 1])
                elif given < len(found.pieces) or found.is_over:
                    break
            error = found.error_after(given)
            if error is None:
                return
            if given or not isinstance(error, CutOffError):
                raise error
        finally:
            if live.leave(found):
                await found.close()
        call = call.retry()


async def _joined_later(call: Any, live: Live[TaskRecording]) -> Any:
    """Return the recording to consume, or a result that has become available."""
    if type(call) is not PendingCall:
        return call
    from .._async import loops

    library = loops.library()
    begin = functools.partial(TaskRecording, library=library)
    if _begins(call):  # nearly always, and the first piece is wanted now
        return live.begin(begin(call))
    search = _search(call, live, loop_of(library), library is not None, begin)
    return await run_later(search)
