"""The counters that ``cache_info()`` returns."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class _Counters(NamedTuple):
        #: Calls that were answered without computing.
        hits: int
        #: Calls that were computed.
        misses: int
        #: The limit of entries of this function; None without one.
        maxsize: int | None
        #: Entries of this function (an expired one counts until a call finds it).
        currsize: int

else:
    from collections import namedtuple

    _Counters = namedtuple("CacheInfo", "hits misses maxsize currsize")


class CacheInfo(_Counters):
    """Counters of one function in this process: functools' four, and more as attributes."""

    #: Entries that were dropped for want of room.
    evictions: int = 0
    #: Results that a call found too old.
    expired: int = 0

    @classmethod
    def counted(
        cls, four: tuple[int, int, int | None, int], *, evictions: int, expired: int
    ) -> CacheInfo:
        """Return an object of the four counters of the tuple and the two beside it."""
        info = cls(*four)
        info.evictions, info.expired = evictions, expired
        return info
