"""The callables of a cache for hits, misses and stores, and the events they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Event(NamedTuple):
    """A call, as a hook of a ``Cache`` gets it."""

    kind: Literal["hit", "miss", "store"]
    #: ``module.qualname`` of the function, or what ``name=`` said.
    function: str
    #: The key's text.
    key: str
    #: The cache's file; None in memory.
    path: str | None
    #: Of a miss: "never seen", "expired" and the other words of ``Explanation.reason``, or
    #: "refresh"; None of anything else.
    reason: str | None = None
    #: Of a store: the seconds that the call took, if that is known. None of anything else.
    seconds: float | None = None
    #: Of a store: the bytes of the result's text; None if the file cannot hold it.
    size: int | None = None


class Hooks(NamedTuple):
    """The hooks of one ``Cache`` object."""

    on_hit: Callable[[Event], object] | None = None
    on_miss: Callable[[Event], object] | None = None
    on_store: Callable[[Event], object] | None = None
