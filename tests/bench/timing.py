"""Chunks that take turns: the one way in which calls are timed here."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How long a chunk should take: short, so that all variants meet the same weather.
CHUNK_NS = 250_000
#: Rounds beyond which the figures do not move any more.
MOST_ROUNDS = 300
FEWEST_ROUNDS = 7

_LOOP = """
def run(clock, items, {names}):
    start = clock()
    for k in items:
        {call}
    return clock() - start
"""


def calm(chunks: list[float]) -> float:
    """The median of the calmer half of some chunks: the quartile.

    On a quiet machine it is within some percent of the median. On a busy one it is what repeats:
    more than half of the chunks may have been interrupted there.
    """
    return statistics.quantiles(chunks, n=4)[0]


@dataclass
class Variant:
    """One way to do it."""

    name: str
    #: The statement to be timed; ``k`` is the key.
    call: str
    #: What the statement's names stand for.
    names: dict[str, Any]
    #: The keys of one chunk; None lets every chunk be the keys of the question.
    fresh: Callable[[int], Sequence[Any]] | None = None
    #: The event loop in which the statement is awaited; None: it is no coroutine.
    loop_of: asyncio.AbstractEventLoop | None = None
    chunks: list[float] = field(default_factory=list)

    @property
    def time(self) -> float:
        """Nanoseconds for one call."""
        return calm(self.chunks)

    def loop(self, clock: Callable[[], int]) -> Callable[[Sequence[Any]], int]:
        """A function of its own code object that times one chunk."""
        names = ", ".join(["_", *self.names])
        space: dict[str, Any] = {}
        values, event_loop = [None, *self.names.values()], self.loop_of
        if event_loop is None:
            exec(_LOOP.format(names=names, call=self.call), space)
            return lambda items: space["run"](clock, items, *values)
        exec("async " + _LOOP.strip().format(names=names, call=f"await {self.call}"), space)
        return lambda items: event_loop.run_until_complete(space["run"](clock, items, *values))


def measure(
    variants: list[Variant],
    keys: Sequence[Any],
    seconds: float,
    clock: Callable[[], int] = time.thread_time_ns,
) -> dict[str, Variant]:
    """Time ``variants`` for about ``seconds``; one key is repeated, many are gone through.

    The clock is this thread's CPU time, which other programs add little to; what waits for a disk
    is timed by ``time.perf_counter_ns``.
    """
    contenders = [Variant("", "pass", {}), *variants]
    loops = [variant.loop(clock) for variant in contenders]
    gc.collect()
    gc.disable()
    try:
        feeds = [_feed(v, loop, keys) for v, loop in zip(contenders, loops, strict=True)]
        # Many keys are gone through twice: the others had the processor's caches in between.
        raw = _rounds(loops, feeds, seconds, warm=len(keys) > 1)
    finally:
        gc.enable()
    empty = calm(raw[0])
    for variant, chunks in zip(variants, raw[1:], strict=True):
        variant.chunks = [max(chunk - empty, 0.01) for chunk in chunks]
    return {variant.name: variant for variant in variants}


def in_turn(variants: list[Variant], keys: Sequence[Any], seconds: float) -> dict[str, float]:
    """Nanoseconds for one call by name, waits included; ``seconds`` are those of all variants.

    They are measured one after the other: what one syncs to a disk, or has a server do, would make
    the next one wait.
    """
    for variant in variants:
        measure([variant], keys, seconds / len(variants), time.perf_counter_ns)
    return {variant.name: variant.time for variant in variants}


def _feed(
    variant: Variant, loop: Callable[[Sequence[Any]], int], keys: Sequence[Any]
) -> Iterator[Sequence[Any]]:
    """What the chunks of ``variant`` go through; also warms it up."""
    make = variant.fresh
    if make is None and len(keys) > 1:
        loop(keys)
        return iter(lambda: keys, None)
    if make is None:
        make = lambda n: [keys[0]] * n  # noqa: E731
    loop(make(1))  # a first call may take long, and says nothing of how many fit into a chunk
    size = 1
    while loop(make(size)) < CHUNK_NS / 2 and size < 100_000:
        size *= 2
    return (make(size) for _ in iter(int, 1))


def _rounds(
    loops: list[Callable[[Sequence[Any]], int]],
    feeds: list[Iterator[Sequence[Any]]],
    seconds: float,
    warm: bool,
) -> list[list[float]]:
    """Nanoseconds for each item by loop and round; ``warm`` goes through them once before."""
    times: list[list[float]] = [[] for _ in loops]
    end = time.perf_counter() + seconds
    # Not in a fixed rotation: it would fall into step with the machine's scheduler.
    order, dice = list(range(len(loops))), random.Random(5)
    for turn in range(MOST_ROUNDS):
        if turn >= FEWEST_ROUNDS and time.perf_counter() > end:
            break
        dice.shuffle(order)
        for at in order:
            items = next(feeds[at])
            if warm:
                loops[at](items)
            times[at].append(loops[at](items) / len(items))
    return times
