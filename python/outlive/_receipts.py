"""Counts of calls, and what hits saved."""

from __future__ import annotations

from typing import NamedTuple


class Receipts(NamedTuple):
    """Counts of calls, and what hits saved, in this process."""

    calls: int = 0
    #: Calls that were served without computing.
    hits: int = 0
    #: Calls that were computed.
    misses: int = 0
    #: Hits times the mean of what the kept calls of the function took.
    seconds_saved: float = 0.0
    #: Hits times the mean of what ``cost=`` says of the kept results; 0.0 without ``cost=``.
    cost_saved: float = 0.0

    def plus(self, other: Receipts) -> Receipts:
        """Return the sum of both."""
        calls, hits, misses, seconds, cost = other
        return Receipts(
            self.calls + calls,
            self.hits + hits,
            self.misses + misses,
            self.seconds_saved + seconds,
            self.cost_saved + cost,
        )

    def minus(self, other: Receipts) -> Receipts:
        """Return the difference; savings are never negative."""
        calls, hits, misses, seconds, cost = other
        return Receipts(
            self.calls - calls,
            self.hits - hits,
            self.misses - misses,
            max(self.seconds_saved - seconds, 0.0),
            max(self.cost_saved - cost, 0.0),
        )


def add(known: dict[str, Receipts], name: str, more: Receipts) -> None:
    """Add ``more`` to what is known of the function ``name``."""
    known[name] = known.get(name, Receipts()).plus(more)
