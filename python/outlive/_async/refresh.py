"""Background refreshes as tasks of the caller's loop."""

from __future__ import annotations

import asyncio
from typing import Any

from .. import _core
from .._refresh import Refresh
from .face import finish
from .loops import hold, running_loop


class _Task:
    """A task that refreshes; it counts as alive while its loop runs."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def is_alive(self) -> bool:
        return not self._task.done() and self._task.get_loop().is_running()


def in_task(memoised: _core.Memoised, refresh: Refresh) -> _Task | None:
    """Compute in a task of the running asyncio loop; other loops start none."""
    loop = running_loop()
    if loop is None:
        refresh.end()
        return None
    name = f"outlive refresh of {memoised.__qualname__}"
    task = loop.create_task(_work(memoised, refresh), name=name)
    if not task.done():
        hold(loop, task)
    return _Task(task)


async def _work(memoised: Any, refresh: Refresh) -> None:
    try:
        await finish(memoised.refresh(*refresh.args, **refresh.kwargs))
    except Exception as error:
        refresh.end(error)
    else:
        refresh.end()
