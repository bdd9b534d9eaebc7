"""Durations as users write them."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._option_types import Duration

_PART = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smhdw])\s*"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(value: Duration, option: str) -> float:
    """Return a duration in seconds: a number, ``"90s" "1h30m" "2w"`` or a timedelta.

    Raises:
        TypeError: ``value`` is of another type.
        ValueError: ``value`` cannot be read, or is not above zero.
    """
    number = _number(value, option)
    if not number > 0:
        raise ValueError(f"{option}={value!r}: must be above zero; None means for ever")
    return number


def seconds_left(value: Duration, option: str) -> float:
    """Return the duration that a callable gave in seconds; 0 for a time that is over.

    A server may say ``max-age=0``, or that its answer has expired.

    Raises:
        TypeError: ``value`` is of another type.
        ValueError: ``value`` cannot be read.
    """
    number = _number(value, option)
    return seconds(number, option) if number != number else max(number, 0.0)


def _number(value: Duration, option: str) -> float:
    if isinstance(value, str):
        return _spelled(value, option)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return _total_seconds(value, option)


def _spelled(text: str, option: str) -> float:
    import re  # it is longer to import than outlive

    parts = re.findall(_PART, text, re.ASCII)
    units = [unit for _, unit in parts]
    if not parts or not re.fullmatch(f"(?:{_PART})+", text, re.ASCII) or len({*units}) < len(units):
        raise ValueError(
            f'{option}={text!r}: write seconds, or "90s", "15m", "1h", "1h30m", "1d", "2w"'
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _total_seconds(value: object, option: str) -> float:
    from datetime import timedelta

    if isinstance(value, timedelta):
        return value.total_seconds()
    kind = type(value).__name__
    raise TypeError(f'{option}= takes seconds, a str such as "1h" or a timedelta, not {kind}')
