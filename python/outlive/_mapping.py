"""A cache as a mapping of key texts to values."""

from __future__ import annotations

from ._typing import TYPE_CHECKING, MutableMapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._cache_state import CacheState

    _Mapping = MutableMapping[str, Any]
else:
    _Mapping = MutableMapping

_NOTHING: Any = object()


class CacheMapping(_Mapping):
    """The entries of a cache by key text; values are copies, as those of calls are."""

    _state: CacheState

    def _text(self, key: object) -> str:
        """Return the key text of what stands between brackets."""
        if isinstance(key, str):
            return key
        raise TypeError(f"keys are str, as f.cache_key(...) gives them, not {key!r}")

    def __getitem__(self, key: str) -> Any:
        return self._state.entries[self._text(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._state.entries[self._text(key)] = value

    def __delitem__(self, key: str) -> None:
        del self._state.entries[self._text(key)]

    def __contains__(self, key: object) -> bool:
        try:
            return self._text(key) in self._state.entries
        except TypeError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.entries.keys())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._state.entries.keys())

    def __len__(self) -> int:
        return len(self._state.entries)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CacheMapping):
            return self._state.core is other._state.core or dict(self) == dict(other)
        return dict(self) == other if isinstance(other, dict) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content, like a dict

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        """Remove an entry and return its value, as a dict does; one of several threads gets it.

        Raises:
            KeyError: there is no such entry, and no default.
        """
        try:
            return self._state.entries.pop(self._text(key))
        except KeyError:
            if default is _NOTHING:
                raise
            return default

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the newest entry, as a dict does.

        Raises:
            KeyError: there is no entry.
        """
        for key in reversed(self):
            try:
                return key, self.pop(key)
            except KeyError:  # another thread has just taken it
                continue
        raise KeyError("the cache is empty")

    def clear(self) -> None:
        """Forget everything, in the file too."""
        self._state.entries.clear()
        self._state.release()
