"""Cancellation: a caller that is cancelled does not take the others' result away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from outlive import Cache


class Held:
    """An async function that stops until it is released, and records how it ended."""

    def __init__(self, **options: Any) -> None:
        self.started: list[Any] = []
        self.ended: list[Any] = []
        self.go = asyncio.Event()

        @Cache().memoise(name="held", **options)
        async def held(x: Any) -> list[Any]:
            self.started.append(x)
            try:
                await self.go.wait()
            except BaseException as error:
                self.ended.append(type(error))
                raise
            self.ended.append(x)
            return [x]

        self.function = held

    async def tasks(self, number: int, x: Any = 1) -> list[asyncio.Task[Any]]:
        """That many tasks, all waiting for one computation."""
        tasks = [asyncio.create_task(self.function(x)) for _ in range(number)]
        await until(lambda: bool(self.started))
        await asyncio.sleep(0)
        return tasks


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until ``condition`` holds."""
    while not condition():
        await asyncio.sleep(0)


def test_a_cancelled_leader_does_not_cancel_the_others() -> None:
    """The task that called first is cancelled at once; the others get the result it had begun."""

    async def main() -> None:
        held = Held()
        first, *rest = await held.tasks(10)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        held.go.set()
        assert await asyncio.gather(*rest) == [[1]] * 9
        assert (held.started, held.ended) == ([1], [1])

    asyncio.run(main())


def test_the_work_is_cancelled_with_the_last_who_waits() -> None:
    """When no task waits any more, the work is cancelled, and has ended before its caller."""

    async def main() -> None:
        held = Held()
        tasks = await held.tasks(5)
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks[1:])
        assert held.ended == []
        tasks[0].cancel()
        await asyncio.wait(tasks)
        assert held.ended == [asyncio.CancelledError]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        held.go.set()
        assert await held.function(1) == [1]
        assert held.started == [1, 1]

    asyncio.run(main())


def test_the_last_who_waits_need_not_be_the_first_who_came() -> None:
    """The work is also cancelled when the first caller left before the others."""

    async def main() -> None:
        held = Held()
        for task in await held.tasks(5):
            task.cancel()
        await until(lambda: held.ended == [asyncio.CancelledError])

    asyncio.run(main())


def test_who_comes_after_the_cancellation_computes() -> None:
    """A call during the clean-up of cancelled work gets a result of its own."""

    async def main() -> None:
        winding_up = asyncio.Event()
        done = asyncio.Event()
        calls = []

        @Cache().memoise
        async def slow(x: int) -> list[int]:
            calls.append(x)
            try:
                await asyncio.sleep(0 if len(calls) > 1 else 3600)
            except asyncio.CancelledError:
                winding_up.set()
                await done.wait()
                raise
            return [x, len(calls)]

        first = asyncio.create_task(slow(1))
        await until(lambda: bool(calls))
        first.cancel()
        await winding_up.wait()
        late = asyncio.create_task(slow(1))
        await asyncio.sleep(0)
        done.set()
        assert await late == [1, 2]
        assert first.cancelled()

    asyncio.run(main())


def test_work_that_survives_its_cancellation() -> None:
    """The result of a function that swallows the cancellation is kept."""

    async def main() -> None:
        @Cache().memoise
        async def stubborn(x: int) -> list[int]:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            return [x]

        task = asyncio.create_task(stubborn(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert stubborn.peek(1) == [1]

    asyncio.run(main())


def test_a_function_that_cancels_itself() -> None:
    """A function that raises CancelledError cancels each caller in turn, and nobody hangs."""

    async def main() -> None:
        calls = []

        @Cache().memoise
        async def cancels(x: int) -> None:
            calls.append(x)
            await asyncio.sleep(0)
            raise asyncio.CancelledError

        tasks = [asyncio.create_task(cancels(1)) for _ in range(5)]
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        assert len(calls) == 5

    asyncio.run(main())


class Outcome(BaseException):
    """As pytest's own: what ends a test is no Exception."""


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), *(kind("cut") for kind in (Outcome, GeneratorExit, asyncio.CancelledError))],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_exception_reaches_the_caller(error: BaseException) -> None:
    """The first caller sees what the function raised, as without memoising; another takes over."""

    async def main() -> None:
        calls = []

        @Cache().memoise
        async def leaves(x: int) -> list[int]:
            calls.append(x)
            await asyncio.sleep(0)
            if len(calls) == 1:
                raise error
            return [x]

        async def caught() -> Any:
            try:
                return await leaves(1)
            except type(error) as seen:
                return seen.args, getattr(seen, "code", None)

        told = error.args, getattr(error, "code", None)
        assert await asyncio.gather(*(caught() for _ in range(4))) == [told] + [[1]] * 3
        assert len(calls) == 2

    asyncio.run(main())


def test_what_is_no_exception_is_told_to_its_caller_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is left in a task that nobody asks."""

    @Cache().memoise
    async def leaves() -> None:
        raise Outcome("skipped")

    with pytest.raises(Outcome, match="skipped"):
        asyncio.run(leaves())
    gc.collect()
    assert capfd.readouterr().err == ""


def test_an_exit_ends_the_program() -> None:
    """An uncaught SystemExit ends ``asyncio.run``, as without memoising."""

    @Cache().memoise
    async def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        asyncio.run(leaves())


def test_wait_for() -> None:
    """A timeout ends the wait of one caller; the work goes on for the others."""

    async def main() -> None:
        held = Held()
        (patient,) = await held.tasks(1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(held.function(1), 0.001)
        held.go.set()
        assert await patient == [1]
        assert held.started == [1]

    asyncio.run(main())


if sys.version_info >= (3, 11):

    def test_timeout() -> None:
        """``asyncio.timeout`` around the only caller stops the work before the block is left."""

        async def main() -> None:
            held = Held()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await held.function(1)
            assert held.ended == [asyncio.CancelledError]
            assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]

        asyncio.run(main())

    def test_task_group() -> None:
        """A task group whose one task fails cancels its others, but not work that others want."""

        async def main() -> None:
            held = Held()
            (outside,) = await held.tasks(1)

            async def fails() -> None:
                await asyncio.sleep(0)
                raise ZeroDivisionError

            inside: list[asyncio.Task[Any]] = []

            async def in_group() -> None:
                async with asyncio.TaskGroup() as group:
                    inside.extend(group.create_task(held.function(1)) for _ in range(3))
                    group.create_task(fails())

            with pytest.raises(Exception, match="unhandled errors in a TaskGroup"):
                await in_group()
            assert all(task.cancelled() for task in inside)
            held.go.set()
            assert await outside == [1]
            assert held.started == [1]

        asyncio.run(main())


if sys.version_info >= (3, 12):

    def test_eager_tasks() -> None:
        """With eager tasks nothing changes: one call, equal results, with and without suspension."""

        async def main() -> None:
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            held = Held()
            tasks = [asyncio.create_task(held.function(1)) for _ in range(20)]
            tasks[0].cancel()
            held.go.set()
            assert await asyncio.gather(*tasks[1:]) == [[1]] * 19
            assert held.started == [1]

            @Cache().memoise
            async def at_once(x: int) -> list[int]:
                return [x]

            assert await asyncio.gather(at_once(1), at_once(1), at_once(2)) == [[1], [1], [2]]

        asyncio.run(main())


@pytest.mark.parametrize("seed", range(10))
def test_cancellations_at_random_points(seed: int) -> None:
    """A caller that is not cancelled gets the right result, whichever others are cancelled when."""
    chance = random.Random(seed)
    cache = Cache()
    under_way: set[int] = set()

    @cache.memoise(cache_if=lambda result: result[0] % 3 > 0)
    async def work(x: int) -> list[int]:
        assert x not in under_way, "one at a time"
        under_way.add(x)
        try:
            for _ in range(chance.randrange(6)):
                await asyncio.sleep(0)
            if chance.random() < 0.2:
                raise ValueError(x)
        finally:
            under_way.discard(x)
        return [x]

    async def ask(x: int) -> None:
        with contextlib.suppress(ValueError):
            assert await work(x) == [x]

    async def main() -> None:
        tasks: list[asyncio.Task[None]] = []
        for _ in range(300):
            tasks.append(asyncio.create_task(ask(chance.randrange(8))))
            if chance.random() < 0.6:
                chance.choice(tasks).cancel()
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = {type(outcome) for outcome in outcomes}
        assert kinds == {type(None), asyncio.CancelledError}
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
        assert not under_way

    asyncio.run(main())
