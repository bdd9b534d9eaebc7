"""What ``cache_info()`` tells."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class CacheInfo(NamedTuple):
        """Counters of one function in this process, in ``functools``' order, then outlive's own."""

        #: Calls that were served without computing.
        hits: int
        #: Calls that were computed.
        misses: int
        #: Entries of this function at most; None without limit.
        maxsize: int | None
        #: Entries there are (expired ones count until they are touched).
        currsize: int
        #: Entries that went because there was no room.
        evictions: int = 0
        #: Entries that were found too old to be served.
        expired: int = 0

else:
    from collections import namedtuple

    _FIELDS = "hits misses maxsize currsize evictions expired"
    CacheInfo = namedtuple("CacheInfo", _FIELDS, defaults=(0, 0))
    CacheInfo.__doc__ = "Counters of one function, in functools' order, then outlive's own."
