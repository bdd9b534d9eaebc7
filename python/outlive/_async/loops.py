"""Recognises the running event loop, and keeps the tasks that it must not lose."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

#: The tasks that compute, by loop: a loop itself keeps no task alive.
_tasks: dict[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]] = {}


def running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def library() -> Any:
    """Return the module of the event loop that runs here: asyncio, trio, or None for any other."""
    trio = sys.modules.get("trio")
    if trio is not None:  # asked first: a trio that is a guest of asyncio has both
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_task()
            return trio
    return None if running_loop() is None else asyncio


def hold(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
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
