"""Times, durations and sizes as people read them."""

from __future__ import annotations

from datetime import datetime, timezone

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_SIZES = ("B", "kB", "MB", "GB", "TB")


def span(seconds: float) -> str:
    """Return a duration in the largest unit that fits: ``"3 h"``, ``"0.84 s"``, ``"12 ms"``."""
    for size, unit in _UNITS:
        if seconds >= size * (2 if size > 1 else 10):
            return f"{seconds / size:,.0f} {unit}"
    if seconds >= 0.1:
        return f"{seconds:.3g} s"
    if seconds >= 0.0001:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds * 1e6:.3g} us"


def ago(then: float, now: float) -> str:
    """Return how long before ``now`` a time was; if a clock was set back, how far ahead it is."""
    age = now - then
    if abs(age) < 1:
        return "just now"
    return f"{span(age)} ago" if age > 0 else f"{span(-age)} ahead"


def entries(count: int) -> str:
    """Return a number of entries with the noun: ``"1 entry"``, ``"2,000 entries"``."""
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def size(count: float) -> str:
    """Return a number of bytes in decimal units: ``"13 MB"``."""
    at = 0
    while count >= 999.5 and at + 1 < len(_SIZES):
        count, at = count / 1000, at + 1
    unit = _SIZES[at]
    return f"{count:.0f} {unit}" if unit == "B" or count >= 9.95 else f"{count:.1f} {unit}"


def moment(time: float | None) -> datetime | None:
    """Return a time in seconds since 1970 as an aware datetime; None if it is out of range."""
    try:
        return None if time is None else datetime.fromtimestamp(time, timezone.utc)
    except (ValueError, OverflowError, OSError):  # a file may hold any number
        return None
