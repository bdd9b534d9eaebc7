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
        if (at_once := begin(functools.partial(_wake, loop, woken))) is None:
            await woken
        return at_once
    event = library.Event()
    wake = functools.partial(_wake_trio, library, library.lowlevel.current_trio_token(), event)
    if (at_once := begin(wake)) is None:
        await event.wait()
    return at_once


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: no caller waits there any more
        loop.call_soon_threadsafe(_set, woken)


def _set(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _wake_trio(trio: Any, token: Any, event: Any) -> None:
    with contextlib.suppress(trio.RunFinishedError):
        token.run_sync_soon(event.set)
