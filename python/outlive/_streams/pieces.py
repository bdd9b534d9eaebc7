"""The pieces of a stream, as they are noted and kept."""

from __future__ import annotations

import copy
from typing import Any

#: What is its own copy.
LEAVES = frozenset({str, bytes, int, float, bool, type(None)})
#: The members of a result of which more than the pieces is known.
_PIECES, _RETURNED = "pieces", "returned"


def own_copy(piece: Any) -> Any:
    """Return a copy that no consumer can change; what cannot be copied is returned itself."""
    if type(piece) in LEAVES:
        return piece
    try:
        return copy.deepcopy(piece)
    except Exception:  # a class's own rules may raise anything
        return piece


def result_of(pieces: list[Any], returned: Any) -> Any:
    """Return what is kept: a list, or a dict if the generator returned something."""
    return pieces if returned is None else {_PIECES: pieces, _RETURNED: returned}


def parts_of(result: Any) -> tuple[list[Any], Any]:
    """Return the pieces that ``result_of`` was given, and what the generator returned."""
    if isinstance(result, dict):
        return result[_PIECES], result[_RETURNED]
    return result, None
