"""Waiting for what another task, thread or loop computes, in the loop that runs here."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import Any

from .._core import PendingCall

#: How often who waits for a task of another loop looks whether that loop still runs, in seconds.
_LOOK = 0.05


async def wait(call: PendingCall, library: Any) -> tuple[Any] | None:
    """Wait for somebody else's outcome; None if there is none."""
    try:
        await (_wait_in_loop(call) if library is asyncio else _wait_in_trio(call, library))
        return call.outcome()
    finally:
        call.give_up()


async def _wait_in_loop(call: PendingCall) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    call.on_done(functools.partial(_wake, loop, done))
    timer = None

    def look() -> None:
        nonlocal timer
        call.check_leader()
        timer = loop.call_later(_LOOK, look)

    if call.may_be_lost():
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


async def _wait_in_trio(call: PendingCall, trio: Any) -> None:
    token, done = trio.lowlevel.current_trio_token(), trio.Event()

    def wake() -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    call.on_done(wake)
    while not done.is_set():
        with trio.move_on_after(_LOOK):
            await done.wait()
        call.check_leader()
