"""``f.amap``: many calls in tasks of the running loop, each result kept at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any

from .job import Call, Job
from .reporters import LOOK, Reporter
from .tally import Tally

#: After how many items that are kept the other tasks of the loop have their turn.
_TURNS = 200


async def results(job: Job, items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    """Yield the results of ``job`` for ``items``; no task is left when this is over."""
    run = _Run(job, items)
    stopped: str | None = "stopped"
    try:
        async for outcome in run.outcomes():
            yield outcome
        stopped = None
    except Exception:
        await run.finish()
        raise
    finally:
        try:
            await run.cancel()
        finally:
            run.reporter.end(stopped)


class _Run:
    """One map under way."""

    def __init__(self, job: Job, items: Iterable[Any] | AsyncIterable[Any]) -> None:
        self._job = job
        self._loop = _running_loop(job.name)
        self._tally: Tally = job.tally(items)
        self.reporter: Reporter = job.reporter(self._tally)
        self._queue = job.queue()
        self._next = _taking(items)
        self._tasks: dict[asyncio.Task[None], Call] = {}
        self._wake: asyncio.Future[None] | None = None
        self._is_over = False
        self._failure: Exception | None = None

    async def outcomes(self) -> AsyncIterator[Any]:
        """Yield the outcomes in turn: one item is taken in before each result is given."""
        for turn in itertools.count(1):
            if turn % _TURNS == 0:
                await asyncio.sleep(0)  # hits suspend nothing: others have their turn, too
            has_room = len(self._tasks) < self._job.workers and self._queue.has_room()
            takes_in = has_room and not self._is_over
            if takes_in:
                await self._take_in()
            call = self._queue.next()
            if call is not None:
                for outcome in self._job.given(call):
                    yield outcome
            elif self._tasks and not takes_in:
                await self._wait()
            elif self._is_over and not self._tasks:
                break
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> None:
        """Wait for the calls under way: their results are paid for, and are kept."""
        while self._tasks:
            await self._wait()

    async def cancel(self) -> None:
        """End the calls under way, and wait until they have ended."""
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _take_in(self) -> None:
        """Begin the call for the next item."""
        try:
            item = await self._next()
        except StopAsyncIteration:
            self._is_over = True
            return
        except Exception as error:
            self._is_over, self._failure = True, error
            return
        call = self._job.call_of(item)
        self._queue.begin(call)
        if not call.is_done:
            task = self._loop.create_task(self._make(call), name=f"outlive amap {self._job.name}")
            self._tasks[task] = call
            task.add_done_callback(self._end)
            return
        self._after(call, is_kept=True)

    async def _make(self, call: Call) -> None:
        try:
            call.value = await self._job.function(*call.args, **call.kwargs)
        except Exception as error:
            call.error = error

    def _end(self, task: asyncio.Task[None]) -> None:
        call = self._tasks.pop(task)
        if not task.cancelled() and call.error is None:
            call.error = task.exception()
        elif task.cancelled():
            call.error = asyncio.CancelledError()
        call.is_done = True
        self._queue.end(call)
        self._after(call, is_kept=False)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _after(self, call: Call, *, is_kept: bool) -> None:
        """Count a call that is done; an error that ends the map prevents further calls."""
        if call.error is not None:
            self._tally.failed(call.error)
            self._is_over = self._is_over or self._job.is_fatal(call.error)
        elif is_kept:
            self._tally.saved += 1
        else:
            self._tally.computed += 1
        self.reporter.count()

    async def _wait(self) -> None:
        """Wait until a call is done, or until the progress is to be shown."""
        self._wake = self._loop.create_future()
        timer = self._loop.call_later(LOOK, _set, self._wake)
        try:
            await self._wake
        finally:
            timer.cancel()
        self.reporter.look()


def _set(wake: asyncio.Future[None]) -> None:
    if not wake.done():
        wake.set_result(None)


def _running_loop(name: str) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"amap of {name} needs a running asyncio loop; in trio, start the calls in a nursery"
        ) from None


def _taking(items: Any) -> Callable[[], Any]:
    """Return a callable whose awaited result is the next item."""
    if hasattr(items, "__aiter__"):
        source = items.__aiter__()
        take: Callable[[], Any] = source.__anext__
        return take
    iterator = iter(items)

    async def take_plain() -> Any:
        for item in iterator:
            return item
        raise StopAsyncIteration

    return take_plain
