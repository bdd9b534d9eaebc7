"""The counts of a map, and their description."""

from __future__ import annotations

import time

from .._progress import Progress


class Tally:
    """Counts of a map under way."""

    def __init__(self, name: str, total: int | None) -> None:
        """Begin with nothing done."""
        self.name, self.total = name, total
        self.saved, self.computed, self.errors = 0, 0, 0
        #: How many errors there were of each class.
        self.kinds: dict[str, int] = {}
        self._begun = time.monotonic()

    def failed(self, error: BaseException) -> None:
        """Count a call that raised."""
        self.computed += 1
        self.errors += 1
        kind = type(error).__qualname__
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    @property
    def done(self) -> int:
        """How many items are done."""
        return self.saved + self.computed

    def now(self) -> Progress:
        """Return the counts as of now."""
        elapsed = time.monotonic() - self._begun
        return Progress(self.done, self.total, self.saved, self.errors, elapsed)


def in_words(tally: Tally) -> str:
    """Describe the progress of a map in one line."""
    now = tally.now()
    parts = [f"{count_of(now)}, {now.saved:,} saved"]
    if now.errors:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in tally.kinds.items())
        parts.append(f"{now.errors:,} failed ({kinds})")
    if now.computed:
        parts.append(f"{now.rate:,.1f} calls/s")
    if now.left:
        parts.append(f"{duration(now.left)} left")
    return f"{tally.name}: {', '.join(parts)}"


def count_of(now: Progress) -> str:
    """Describe how many items are done, and of how many."""
    if not now.total:
        return f"{now.done:,} done"
    return f"{now.done:,} of {now.total:,} done ({100 * now.done // now.total} %)"


def duration(seconds: float) -> str:
    """Describe a duration: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
