"""The steps of a call that take time: each is done in a thread, or in a task."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any


class Step:
    """A step that takes time."""

    def now(self) -> Any:
        """Do it in this thread."""
        raise NotImplementedError

    async def later(self, library: Any) -> Any:
        """Do it in a task of this event loop."""
        raise NotImplementedError


class Pause(Step):
    """Let other threads or tasks run for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> None:
        time.sleep(self._seconds)

    async def later(self, library: Any) -> None:
        if library is not None:
            await library.sleep(self._seconds)


def run(steps: Generator[Step, Any, Any]) -> Any:
    """Take all steps in this thread, and return the result."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step.now()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value


async def run_later(steps: Generator[Step, Any, Any]) -> Any:
    """Take all steps in this task, and return the result."""
    from ._async import loops

    library = loops.library()
    try:
        step = next(steps)
        while True:
            try:
                answer = await step.later(library)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value
