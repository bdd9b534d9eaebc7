"""A cache as a mapping of key texts to values."""

from __future__ import annotations

from . import _core
from ._typing import TYPE_CHECKING, MutableMapping
from ._warnings import warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from typing_extensions import Self

    from ._cache_state import CacheState

    _Mapping = MutableMapping[str, Any]
else:
    _Mapping = MutableMapping

_NOTHING: Any = object()
_MUTABLE = (list, dict, set, bytearray)


class CacheMapping(_Mapping):
    """A mapping from keys to results. Values are copies, as results of calls are."""

    _state: CacheState
    _told_of_copies = False

    def _text(self, key: object) -> str:
        """Return the key given between brackets."""
        if isinstance(key, str):
            return key
        raise TypeError(f"keys are str, as f.cache_key(...) gives them, not {key!r:.200}")

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

    def copy(self) -> dict[str, Any]:
        """Return a dict of all entries."""
        return dict(self)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self) | dict(other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other) | dict(self)

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def update(self, other: Any = (), /, **values: Any) -> None:
        """Store all items of a mapping or of pairs. Those of another cache keep times and tags."""
        if isinstance(other, CacheMapping) and type(self._state) is type(other._state):
            _core.copy_all(self._state.visible, other._state.visible)
            self._state.release()
            other = ()
        super().update(other, **values)

    def copy_to(self, target: CacheMapping) -> int:
        """Copy all entries to another cache, with their times, tags and notes.

        Entries that the target already has are skipped, so a copy that was cut off goes on where it
        stopped. Results that only this process has are not copied.

        Args:
            target: The other cache, on any store.

        Returns:
            The number of entries that were copied.

        Raises:
            TypeError: ``target`` is no cache, or one of the two is the drop-in's and the other is
                not: their keys differ.
        """
        if not isinstance(target, CacheMapping) or type(self._state) is not type(target._state):
            raise TypeError(
                f"copy_to takes another cache whose keys are alike, not {target!r:.200}"
            )
        count = _core.copy_news(target._state.visible, self._state.visible)
        target._state.release()
        return count

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of ``key``; store ``default`` under it first if there is none.

        The returned value is a copy, as everywhere, so a change of it is lost. If the value is
        mutable, a warning says so.
        """
        if key not in self:
            self[key] = default
        value = self[key]
        if isinstance(value, _MUTABLE) and not self._told_of_copies:
            self._told_of_copies = True
            message = (
                f"setdefault({_core.shown_key(key)}, ...) gives a copy of what is kept: a change "
                "of it, such as .append(...), is lost; assign the changed value, as in "
                "cache[key] = value"
            )
            warn("OutliveWarning", message)
        return value

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        """Remove an entry and return its value. Of several threads that ask, one gets it.

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
