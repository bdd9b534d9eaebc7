"""Waits, in the running loop, for a thread of the native half."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import Any


async def done(begin: Callable[[Callable[[], None]], Any], library: Any) -> Any:
    """Begin something, wait until it wakes us, and return what ``begin`` returned.

    If that is not None, nothing was begun. Where there is no way to wait, the loop stands still.
    """
    if library is asyncio:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        if (at_once := begin(functools.partial(wake, loop, woken))) is None:
            await woken
        return at_once
    event = library.Event()
    token = library.lowlevel.current_trio_token()
    if (at_once := begin(functools.partial(wake_trio, library, token, event))) is None:
        await event.wait()
    return at_once


def wake(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], outcome: object = None
) -> None:
    """Wake, from any thread, the task of ``loop`` that awaits ``future``."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: no caller waits there any more
        loop.call_soon_threadsafe(settle, future, outcome)


def settle(future: asyncio.Future[Any], outcome: object) -> None:
    """Give ``future`` its outcome, unless it has one."""
    if not future.done():
        future.set_result(outcome)


def wake_trio(trio: Any, token: Any, event: Any) -> None:
    """Wake, from any thread, the tasks of trio that wait for ``event``."""
    with contextlib.suppress(trio.RunFinishedError):
        token.run_sync_soon(event.set)
