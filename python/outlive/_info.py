"""What ``cache_info()`` tells."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class _Counters(NamedTuple):
        #: Calls that were served without computing.
        hits: int
        #: Calls that were computed.
        misses: int
        #: Entries of this function at most; None without limit.
        maxsize: int | None
        #: Entries there are (expired ones count until they are touched).
        currsize: int

else:
    from collections import namedtuple

    _Counters = namedtuple("CacheInfo", "hits misses maxsize currsize")


class CacheInfo(_Counters):
    """Counters of one function in this process: functools' four, and more as attributes."""

    #: Entries that went because there was no room.
    evictions: int = 0
    #: Entries that were found too old to be served.
    expired: int = 0

    @classmethod
    def counted(
        cls, four: tuple[int, int, int | None, int], *, evictions: int, expired: int
    ) -> CacheInfo:
        """Return the four counters that stand in the tuple, with those that do not."""
        info = cls(*four)
        info.evictions, info.expired = evictions, expired
        return info
