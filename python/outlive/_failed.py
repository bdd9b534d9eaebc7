"""The stand-in for a result when the call raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Failed:
    """An item whose call raised, in a map with ``on_error="collect"``."""

    #: The item as the iterable gave it.
    item: Any
    #: What the call raised.
    error: Exception
