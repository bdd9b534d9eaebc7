"""Writes values of the standard library's types as a tag and a JSON payload.

The Rust half knows JSON and Python's containers. For every other value it asks ``pack`` and, on the
way back, ``unpack``. Exact types only: a subclass may carry more than its base can rebuild.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

_PATH_TYPE = type(Path())
_CHUNK = 640  # digits that int() accepts at once, whatever sys.set_int_max_str_digits says


def _plain_zone(zone: dt.tzinfo | None) -> bool:
    """Return whether ISO text alone rebuilds ``zone``: None, or a fixed offset without a name.

    Offsets with fractions of a second are left out: ``fromisoformat`` may drop the fraction.
    """
    if zone is None:
        return True
    if type(zone) is not dt.timezone:
        return False
    offset = zone.utcoffset(None)
    return not offset.microseconds and repr(zone) == repr(dt.timezone(offset))


def _moment(value: dt.datetime | dt.time) -> Any:
    if not _plain_zone(value.tzinfo):
        return None
    text = value.isoformat()
    return [text, 1] if value.fold else text


_PACK: dict[type, tuple[str, Callable[[Any], Any]]] = {
    dt.datetime: ("datetime", _moment),
    dt.time: ("time", _moment),
    dt.date: ("date", dt.date.isoformat),
    dt.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    Decimal: ("decimal", str),
    UUID: ("uuid", str),
    _PATH_TYPE: ("path", str),
    int: ("int", hex),
}


#: The types of values that have a tag of their own; none of them can change.
TYPES = tuple(_PACK)


def pack(value: object) -> tuple[str, Any] | None:
    """Return ``(tag, payload)`` for a value of a known type, None for any other.

    The payload consists of JSON types. Integers come here only if they are too long for Python's
    own ``json`` to read back (more than 4,300 digits).
    """
    known = _PACK.get(type(value))
    if known is None:
        return None
    tag, make = known
    payload = make(value)
    return None if payload is None else (tag, payload)


def _unmoment(cls: Any) -> Callable[[Any], Any]:
    def rebuild(payload: Any) -> Any:
        if isinstance(payload, str):
            return cls.fromisoformat(payload)
        text, fold = payload
        return cls.fromisoformat(text).replace(fold=fold)

    return rebuild


_UNPACK: dict[str, Callable[[Any], Any]] = {
    "datetime": _unmoment(dt.datetime),
    "time": _unmoment(dt.time),
    "date": dt.date.fromisoformat,
    "timedelta": lambda p: dt.timedelta(*p),
    "decimal": Decimal,
    "uuid": UUID,
    "path": Path,
    "int": lambda p: int(p, 16),
}


def unpack(tag: str, payload: Any) -> Any:
    """Return the value that ``pack`` took apart.

    Raises:
        ValueError: ``payload`` is not what ``pack`` makes for this tag.
    """
    try:
        return _UNPACK[tag](payload)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as problem:
        raise ValueError(f"not a {tag}: {problem}") from None


def long_int(digits: str) -> int:
    """Return the integer of any number of decimal ``digits`` (int() refuses more than 4,300)."""
    sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits)
    # Neighbours are joined in pairs: digit by digit, the time would grow with the square of the
    # length, and a file from elsewhere may hold any number.
    ends = range(len(digits), 0, -_CHUNK)
    parts = [int(digits[max(end - _CHUNK, 0) : end]) for end in ends]
    base = 10**_CHUNK
    while True:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        odd = parts[len(parts) - len(parts) % 2 :]
        parts = [low + high * base for low, high in pairs] + odd
        if len(parts) == 1:
            return sign * parts[0]
        base *= base
