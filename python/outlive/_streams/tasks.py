"""A stream in tasks: its source is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from .._core import PendingCall
from .recording import Recording


class TaskRecording(Recording):
    """A recording whose source is an asynchronous generator of one event loop."""

    _source: AsyncGenerator[Any, Any]

    def __init__(self, call: PendingCall, library: Any) -> None:
        super().__init__(call)
        self._library = library
        self.loop = loop_of(library)
        #: Set when the turn under way is over.
        self._turn: Any = None
        self._task: asyncio.Task[tuple[Any] | None] | None = None

    async def may_be_joined(self) -> None:
        """Wait for the piece that a consumer asks for in its own task, if one does.

        Its cancellation would cut the source off. Who joins has got nothing until then, and begins
        anew in that case; from then on each request is a task of its own.
        """
        while self._turn is not None and self._library is asyncio and not self.is_over:
            await self._turn.wait()

    async def advance(self, at: int) -> tuple[Any] | None:
        """Ask the source for piece number ``at``, unless that is there or the stream is over.

        Returns:
            The piece itself in a tuple of one, if this call got it from the source.
        """
        while not self.is_over and at >= len(self.pieces):
            if self._task is not None:
                await asyncio.wait([self._task])
            elif self._turn is not None:
                await self._turn.wait()
            elif self.consumers > 1 and self._library is asyncio:
                # The request is a task of its own: cancelling one consumer costs the others
                # nothing.
                self._task = asyncio.get_running_loop().create_task(self._ask())
                self._task.add_done_callback(self._forget_task)
            else:
                return await self._take_turn()
        return None

    async def _take_turn(self) -> tuple[Any] | None:
        self._turn = turn = asyncio.Event() if self._library is None else self._library.Event()
        try:
            return await self._ask()
        finally:
            self._turn = None
            turn.set()

    def _forget_task(self, task: asyncio.Task[tuple[Any] | None]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # it is noted

    async def _ask(self) -> tuple[Any] | None:
        token = self.call.enter()
        try:
            piece = await self._source.__anext__()
        except StopAsyncIteration:
            self.end(None)
        except Exception as error:
            self.fail(error)
        except BaseException:
            self.cut_off(self.call.name)
            raise
        else:
            self.note(piece)
            return (piece,)
        finally:
            if token is not None:
                PendingCall.leave(token)
        return None

    async def close(self) -> None:
        """Close the source, which nobody consumes any more: a beginning is worth nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self.is_over:
            self.is_over = True
            self.call.give_up()
            await self._source.aclose()


def loop_of(library: Any) -> object:
    """Return an object that tells the running event loop from others; None for an unknown one."""
    if library is asyncio:
        return asyncio.get_running_loop()
    return object() if library is None else library.lowlevel.current_trio_token()
