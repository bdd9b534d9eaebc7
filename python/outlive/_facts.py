"""What is known of one entry beside its value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from . import _core


class Fact(NamedTuple):
    """What is known of one entry, in the order of the native half."""

    key: str
    #: Bytes of the value's text.
    size: int
    #: Seconds since 1970.
    created: float | None
    #: Seconds that the call took.
    took: float | None
    #: Digest of the function's code.
    code: str | None
    #: What else is noted, as a JSON object.
    others: bytes | None
    is_error: bool
    #: Whether the file can hold it.
    is_storable: bool

    @property
    def notes(self) -> dict[str, Any]:
        """Further notes: tags, cost, meta and the like."""
        if self.others is None:
            return {}
        import json

        try:
            found = json.loads(self.others)
        except ValueError:  # somebody's hand
            return {}
        return found if isinstance(found, dict) else {}


class Sum(NamedTuple):
    """What is known of several entries together, in the order of the native half."""

    entries: int = 0
    #: Bytes of the texts of the values.
    size: int = 0
    #: Seconds that the calls took of which that is known.
    took: float = 0.0
    #: How many calls these are.
    timed: int = 0
    #: Seconds since 1970.
    oldest: float | None = None
    newest: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean seconds of a call; None if unknown."""
        return self.took / self.timed if self.timed else None

    def plus(self, other: Sum) -> Sum:
        """Return the sum of both."""
        oldest = [time for time in (self.oldest, other.oldest) if time is not None]
        newest = [time for time in (self.newest, other.newest) if time is not None]
        return Sum(
            self.entries + other.entries,
            self.size + other.size,
            self.took + other.took,
            self.timed + other.timed,
            min(oldest, default=None),
            max(newest, default=None),
        )


def fact_of(core: _core.Cache, key: str) -> Fact | None:
    """Return what is known of the entry of ``key``; None if there is none."""
    row = core.facts.row(key)
    return None if row is None else Fact(*row)


#: Stands for the name of a function in lists of entries that none made.
NO_FUNCTION = "(no function)"


def by_function(sums: Iterable[tuple[str, tuple[Any, ...]]]) -> list[tuple[str, Sum]]:
    """Return the sums of functions with their names, the largest first."""
    found = [(name or NO_FUNCTION, Sum(*row)) for name, row in sums]
    return sorted(found, key=lambda each: (-each[1].size, each[0]))
