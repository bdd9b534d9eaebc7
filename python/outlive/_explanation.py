"""The explanation of why a call is a hit or a miss."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from . import _core


@dataclass(frozen=True)
class Explanation:
    """Why a call is a hit or a miss, as of the moment it was asked.

    ``str()`` of it is a sentence; it is true if the call is a hit.

    Attributes:
        function: ``module.qualname``, or the text of ``name=``.
        key: The key's text.
        is_hit: Whether the call would be answered from the cache.
        reason: "kept", "in memory", "refreshing" (hits); "never seen", "expired", "other version",
            "other code", "other program", "other closure", "damaged", "not kept", "mode" (misses).
        why: The reason as part of a sentence, with details.
        created: When the result was made, if there is one.
        took: How many seconds the call took, if that is known.
        code: Digest of the code that made the result, if it is known.
        expires: When the result expires or expired; None: never.
        nearest: How the nearest kept call differs, as in ``page: 2 -> 3``, if the call was
            never seen.
    """

    function: str
    key: str
    is_hit: bool
    reason: str
    why: str
    created: datetime | None = None
    took: float | None = None
    code: str | None = None
    expires: datetime | None = None
    nearest: str | None = None

    def __bool__(self) -> bool:
        return self.is_hit

    def __str__(self) -> str:
        kind = "hit" if self.is_hit else "miss"
        near = f"; the nearest kept call differs in {self.nearest}" if self.nearest else ""
        return f"{kind}: {_core.shown_key(self.key)} {self.why}{near}"
