"""The contents of the page, before it is HTML."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from .. import _core
from .._facts import Fact, Sum, by_function

#: So many of the largest, and of the slowest, entries stand on a page.
MOST = 500
_SIZES = [10.0**power for power in range(1, 10)]
_SIZE_NAMES = ["10 B", "100 B", "1 kB", "10 kB", "100 kB", "1 MB", "10 MB", "100 MB", "1 GB"]
_AGES = [60.0, 3600.0, 86400.0, 604800.0, 2592000.0, 31536000.0]
_AGE_NAMES = ["1 min", "1 h", "1 d", "1 w", "30 d", "1 y"]
_DURATIONS = [0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0]
_DURATION_NAMES = ["1 ms", "10 ms", "0.1 s", "1 s", "10 s", "1 min", "10 min"]


@dataclass(frozen=True)
class Histogram:
    """How many entries lie between limits, which ``labels`` describes."""

    title: str
    labels: list[str]
    counts: list[int]


@dataclass(frozen=True)
class Survey:
    """The contents of a cache."""

    label: str
    #: Seconds since 1970.
    now: float
    total: Sum
    #: By function, the largest first.
    functions: list[tuple[str, Sum]]
    histograms: list[Histogram]
    #: Those that the table shows: all, or the largest and the slowest.
    facts: list[Fact]


def survey(core: _core.Cache, label: str, now: float) -> Survey:
    """Survey a cache."""
    rows, total = core.facts.rows(order="size", descending=True, limit=MOST)
    facts = {row[0]: Fact(*row) for row in rows}
    if total[0] > len(rows):
        slow, _ = core.facts.rows(order="took", descending=True, limit=MOST)
        facts |= {row[0]: Fact(*row) for row in slow}
    functions = by_function(core.facts.sums())
    return Survey(label, now, Sum(*total), functions, _histograms(core, now), [*facts.values()])


def _histograms(core: _core.Cache, now: float) -> list[Histogram]:
    times = [now - age for age in reversed(_AGES)]
    sizes, made, took = core.facts.histograms(sizes=_SIZES, times=times, durations=_DURATIONS)
    return [
        _histogram("Age", _AGE_NAMES, made[::-1]),
        _histogram("Size", _SIZE_NAMES, sizes),
        _histogram("Seconds of the call", _DURATION_NAMES, took),
    ]


def _histogram(title: str, names: list[str], counts: list[int]) -> Histogram:
    """Leave out the empty bins below the smallest and above the largest entry."""
    filled = [number for number, count in enumerate(counts) if count]
    part = slice(filled[0], filled[-1] + 1) if filled else slice(0)
    return Histogram(title, _between(names)[part], counts[part])


def _between(names: list[str]) -> list[str]:
    pairs = itertools.pairwise(names)
    return [f"under {names[0]}", *(f"{low} to {high}" for low, high in pairs), f"over {names[-1]}"]
