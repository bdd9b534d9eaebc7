"""Background refreshes as tasks of the caller's loop."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import Any

from .. import _core
from .face import finish
from .loops import hold, running_loop

_log = logging.getLogger("outlive")


class Refresher:
    """Computes keys again in background tasks of the caller's loop, each once at a time."""

    def __init__(self, memoised: weakref.ref[_core.Memoised]) -> None:
        self._memoised = memoised
        self._busy: dict[str, asyncio.Task[None]] = {}

    def __call__(self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Have the call under ``key`` computed by a task of its own, unless one is at it."""
        memoised, loop, busy = self._memoised(), running_loop(), self._busy.get(key)
        if memoised is None or loop is None:
            return
        if busy is not None and not busy.done() and busy.get_loop().is_running():
            return
        work = self._refresh(memoised, key, args, kwargs or {})
        name = f"outlive refresh of {memoised.__qualname__}"
        task = loop.create_task(work, name=name)
        if not task.done():
            self._busy[key] = task
            hold(loop, task)

    async def _refresh(
        self, memoised: Any, key: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            await finish(memoised.refresh(*args, **kwargs))
        except Exception:  # the old result goes on being served; the next call tries again
            _log.warning("refresh of %s failed", key, exc_info=True)
        finally:
            self._busy.pop(key, None)
