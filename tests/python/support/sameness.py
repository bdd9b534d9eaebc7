"""Equal value *and* same types, at any depth: what a hit promises."""

from __future__ import annotations

import struct
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike down to types, signs of zero, NaNs and the order of dicts."""
    pairs = [(one, other)]
    while pairs:  # a loop, because values may be nested more deeply than calls can be
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict):
            one, other = list(one.items()), list(other.items())
        if isinstance(one, (list, tuple)):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif _told(one) != _told(other):
            return False
    return True


def _told(value: Any) -> Any:
    """Something that tells values apart: bits of floats, folds and zones of times, types in sets."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack("d", value)
    if isinstance(value, complex):
        return _told(value.real), _told(value.imag)
    if isinstance(value, (set, frozenset)):
        return sorted((type(member).__name__, repr(_told(member))) for member in value)
    if isinstance(value, tuple):
        return [(type(member), _told(member)) for member in value]
    if isinstance(value, int):
        return value
    return repr(value), getattr(value, "fold", 0)
