"""Threads of tests: started together, joined in time, their results and exceptions kept."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds after which a thread counts as stuck.
STUCK = 30


class Worker(threading.Thread):
    """A thread that keeps what its function returned or raised."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Start ``work(*arguments)`` at once."""
        super().__init__(daemon=True)
        self.work, self.arguments = work, arguments
        self.value: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do the work."""
        try:
            self.value = self.work(*self.arguments)
        except BaseException as error:
            self.error = error

    def result(self) -> Any:
        """What the work gave, once it is done; raises what it raised."""
        self.finish()
        if self.error is not None:
            raise self.error
        return self.value

    def finish(self) -> BaseException | None:
        """Wait for the end of the work; what it raised."""
        self.join(STUCK)
        assert not self.is_alive(), "stuck"
        return self.error


@contextmanager
def switching_often(seconds: float = 1e-5) -> Iterator[None]:
    """With a GIL, switch threads as often as possible while the block runs."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """The results of ``work(0)``, ``work(1)``, ... done by as many threads that start together."""
    barrier = threading.Barrier(number)

    def begin(n: int) -> Any:
        barrier.wait(STUCK)
        return work(n)

    return [worker.result() for worker in [Worker(begin, n) for n in range(number)]]


def until(true: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + STUCK
    while not true():
        assert time.monotonic() < end, "stuck"
        time.sleep(0.001)


def settle() -> None:
    """Give other threads the time to get where they will wait; no test relies on it to pass."""
    time.sleep(0.05)
