"""What the decorator knows of one memoised function: its own options, its counters, its entries."""

from __future__ import annotations

from . import _options
from ._one_shot import one_shot_part
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from . import _core
    from ._cache_state import CacheState
    from ._info import CacheInfo


class Registration:
    """One function in one cache; the function itself is handed in, so that it is not kept alive."""

    def __init__(self, cache: CacheState, given: dict[str, Any], own: dict[str, Any]) -> None:
        """Note what the function was decorated with, and what of it concerns its results."""
        self.cache, self._given = cache, given
        self.own = own
        #: What computes results anew in the background.
        self.refresher: Any = None

    used_up = staticmethod(one_shot_part)

    def cache_info(self, memoised: _core.Memoised) -> CacheInfo:
        """Count calls and entries."""
        from ._info import CacheInfo

        hits, misses, expired = memoised.counts()
        size = self.cache.count(memoised)
        maxsize = _options.checked(self.cache.options, self.own).maxsize
        return CacheInfo.counted(
            hits, misses, maxsize, size, evictions=memoised.evictions(), expired=expired
        )

    def cache_clear(self, memoised: _core.Memoised) -> None:
        """Forget the entries and set the counters back."""
        self.cache.clear(memoised)
        memoised.reset()

    def cache_parameters(self, _memoised: _core.Memoised) -> dict[str, Any]:
        """Return the options, in the manner of ``functools.lru_cache``."""
        defaults = {"maxsize": self.cache.options.maxsize, "typed": True}
        return defaults | self._given
