"""What a cache keeps, and what it lets go: saving, limits, pruning, forgetting."""

from __future__ import annotations

from . import _durations, _options
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._cache_state import CacheState
    from ._option_types import Duration


class CacheUpkeep:
    """What is done to all entries, or to many."""

    _state: CacheState

    def save(self) -> None:
        """Write the file now, if anything changed. Trouble is a ``CacheFileWarning``."""
        self._state.core.save()

    def close(self) -> None:
        """Save and let go of the file; the next use opens it again. May be called repeatedly.

        While a call computes in another thread, the file is saved and stays open for its result.
        """
        if self._state.kept_receipts is not None:
            self._state.kept_receipts.write()  # it asks the entries what calls took
        self._state.core.close()

    def limit(
        self,
        *,
        maxsize: int | None = _options.UNCHANGED,
        max_bytes: int | None = _options.UNCHANGED,
    ) -> None:
        """Limit the whole cache, and drop what exceeds the limit, the least recently used first.

        Args:
            maxsize: The number of entries; None: no limit. Not given: unchanged.
            max_bytes: The number of bytes of the JSON texts of all results; None: no limit. Not
                given: unchanged.

        Raises:
            TypeError: a limit is no whole number.
            ValueError: a limit is below one, or differs from that of another object on the file.
        """
        self._state.limit(
            maxsize=_options.limit(maxsize, "maxsize"),
            max_bytes=_options.limit(max_bytes, "max_bytes"),
        )

    def sync(self) -> None:
        """Read what other processes have written since. Calls do this when they need to."""
        self._state.visible.sync()

    def prune(self, *, older_than: Duration, name: str | None = None) -> int:
        """Forget all entries that are older than a duration.

        Expired entries need no pruning: a save drops those that have been expired for longer than
        another ttl, and for at least a day.

        Args:
            older_than: A duration, as for ``ttl=``.
            name: The text before the parenthesis of a key, to forget results of one function alone.
                None (default): of all functions.

        Returns:
            The number of entries that were forgotten.

        Raises:
            TypeError: ``older_than`` is no duration.
            ValueError: ``older_than`` cannot be read, or is not above zero.
        """
        since = self._state.now() - _durations.seconds(older_than, "older_than")
        keys = self._state.visible.facts.made_before(since, name)
        count = sum(self._state.entries.remove(key) for key in keys)
        self._state.release()
        return count

    def forget(self, pattern: str = "*", *, tag: str | None = None, erase: bool = False) -> int:
        """Forget all entries whose key matches a pattern, and that have a tag.

        Args:
            pattern: A pattern as for file names: ``*`` matches anything, ``?`` one character,
                ``[ab]`` one of these. ``"*.fetch(*"`` matches all calls of functions named fetch.
            tag: A tag that ``tags=`` gave the entries. None (default): with or without tags.
            erase: True: remove their texts from the disk as well. The file is written anew, and
                journals and copies of damaged files are deleted. Default False.

        Returns:
            The number of entries that were forgotten.

        Raises:
            TypeError: ``pattern`` is no str.
        """
        if not isinstance(pattern, str):
            raise TypeError(f"forget takes a pattern such as '*.fetch(*', not {pattern!r}")
        import fnmatch  # not before somebody asks: with re it is longer to import than outlive
        import re

        fits = re.compile(fnmatch.translate(pattern)).match
        self._state.entries.recall()
        # First: a result kept before this is among the entries; one that comes later is not kept.
        self._state.entries.outdate(pattern, tag=tag)
        keys = self._state.entries.keys() if tag is None else self._state.tagged(tag)
        count = sum(self._state.entries.remove(key) for key in keys if fits(key))
        self._state.release()
        if erase:
            self._state.visible.erase()
        return count
