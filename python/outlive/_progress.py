"""The progress of a map."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress of a map, as a ``progress=`` callable gets it."""

    #: How many items are done, however they ended.
    done: int
    #: How many there are; None if the iterable does not tell.
    total: int | None
    #: How many of them had a kept result: the calls that were saved.
    saved: int
    #: How many calls raised.
    errors: int
    #: How many seconds it has taken.
    elapsed: float

    @property
    def computed(self) -> int:
        """How many calls were computed."""
        return self.done - self.saved

    @property
    def rate(self) -> float:
        """How many calls a second were computed."""
        return self.computed / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def left(self) -> float | None:
        """The seconds until the rest is done, if none of it is kept; None if unknown."""
        if self.total is None or self.done == 0:
            return None
        rest = max(0, self.total - self.done)
        # A run that continues an earlier one has its hits first: they say nothing about the pace.
        pace = self.computed if self.computed > 0 else self.done
        return rest * self.elapsed / pace
