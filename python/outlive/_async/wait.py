"""Waiting, in the running loop, for what another task, thread or loop computes."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from .._core import PendingCall
from . import away
from .leader import compute

#: Seconds between two checks whether the loop of the awaited task still runs.
_LOOK = 0.05
#: Seconds between two checks whether a warning is due, for all other waits.
_SELDOM = 1.0


async def wait(call: PendingCall, library: Any) -> tuple[Any] | None:
    """Wait for another call's outcome; None if there is none. Compute when ``wait=`` is over."""
    try:
        if await ended(call, library):
            return call.outcome()
        call.compute_beside()
        return (await compute(call, library),)
    finally:
        call.give_up()


async def ended(call: PendingCall, library: Any) -> bool:
    """Wait for another call's outcome, in asyncio or trio; False if ``wait=`` is over."""
    return await (_wait_in_loop(call) if library is asyncio else _wait_in_trio(call, library))


def _pause(call: PendingCall) -> float:
    """Return the seconds until the next check."""
    limit = call.wait_limit
    pause = _LOOK if call.may_be_lost() else _SELDOM
    return pause if limit is None else min(pause, limit)


async def _wait_in_loop(call: PendingCall) -> bool:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()
    call.on_done(functools.partial(away.wake, loop, done, True))
    pause = _pause(call)

    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        if call.check_leader():
            timer = loop.call_later(pause, look)
        else:
            away.settle(done, False)

    timer = loop.call_later(pause, look)
    try:
        return await done
    finally:
        timer.cancel()


async def _wait_in_trio(call: PendingCall, trio: Any) -> bool:
    token, done = trio.lowlevel.current_trio_token(), trio.Event()
    call.on_done(functools.partial(away.wake_trio, trio, token, done))
    pause = min(_LOOK, _pause(call))
    while not done.is_set():
        with trio.move_on_after(pause):
            await done.wait()
        if not done.is_set() and not call.check_leader():
            return False
    return True
