"""``f.map``: many calls in threads, each result kept at once, given one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .job import Call, Job
from .pool import Pool
from .reporters import LOOK, Reporter
from .tally import Tally

_END: Any = object()


def results(job: Job, items: Iterable[Any]) -> Iterator[Any]:
    """Yield the results of ``job`` for ``items``; nothing happens before the first is asked for."""
    run = _Run(job, items)
    stopped: str | None = "stopped"
    try:
        yield from run.outcomes()
        stopped = None
    except GeneratorExit:
        run.pool.stop()
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            stopped = "interrupted"
        run.finish()
        raise
    finally:
        run.reporter.end(stopped)
        run.pool.stop()


class _Run:
    """One map under way."""

    def __init__(self, job: Job, items: Iterable[Any]) -> None:
        self._job = job
        self._tally: Tally = job.tally(items)
        self.reporter: Reporter = job.reporter(self._tally)
        self.pool = Pool(job.name, job.function, job.workers)
        self._queue = job.queue()
        self._items = items
        self._source: Iterator[Any] | None = None
        self._is_over = False
        #: What the iterable of items raised; the results of those before it come first.
        self._failure: Exception | None = None

    def outcomes(self) -> Iterator[Any]:
        """Yield the outcomes in turn: one item is taken in before each result is given."""
        self._source = iter(self._items)
        while True:
            if not self._is_over and self.pool.has_room() and self._queue.has_room():
                self._take_in()
                timeout = 0.0
            else:
                timeout = LOOK
            call = self._queue.next()
            if call is not None:
                yield from self._job.given(call)
                continue
            if self._is_over and self.pool.is_idle():
                break
            self._collect(timeout)
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Wait for the calls under way: their results are paid for, and are kept."""
        self.pool.stop()
        for call in self.pool.wait():
            self._count(call)

    def _take_in(self) -> None:
        """Begin the call for the next item."""
        assert self._source is not None
        try:
            item = next(self._source, _END)
        except Exception as error:
            self._is_over, self._failure = True, error
            return
        if item is _END:
            self._is_over = True
            return
        call = self._job.call_of(item)
        self._queue.begin(call)
        if not call.is_done:
            self.pool.begin(call)
            return
        if call.error is None:
            self._tally.saved += 1
        else:
            # Calls that were begun earlier come first: none of them is dropped.
            self._tally.failed(call.error)
            self._is_over = self._job.is_fatal(call.error)
        self.reporter.count()

    def _collect(self, timeout: float) -> None:
        """Take in the calls that are done; if none is, wait for the next one."""
        if self.pool.is_idle():
            return
        call = self.pool.ended(timeout)
        self.reporter.look()
        while call is not None:
            self._count(call)
            self._queue.end(call)
            call = self.pool.ended(0)

    def _count(self, call: Call) -> None:
        if call.error is None:
            self._tally.computed += 1
        else:
            self._tally.failed(call.error)
            if self._job.is_fatal(call.error):
                # Threads take calls in turn: dropped calls come after this one.
                self._is_over = True
                self.pool.stop()
        self.reporter.count()
