"""A cache that works on another file for a while, with all functions that are memoised in it."""

from __future__ import annotations

from _weakref import ref
from typing import Any

from . import _core, _decorate, _registry
from ._cache_state import CacheState, ClassOwner

_MISSING: Any = object()


class Redirection:
    """Makes one ``Cache`` object work on a copy of its entries, in another file.

    Each memoised function gets one that stands in for it; its own tables and counters rest.
    """

    def __init__(self, state: CacheState, path: str) -> None:
        """Begin: ``path`` is the other file, which does not exist yet."""
        self._state, self._core = state, state.core
        other = _registry.core_of(path, self._core.file.fsync, state.is_drop_in)
        other.know_classes(ClassOwner(ref(state)))
        maxsize, max_bytes = self._core.limits.get()
        other.limits.set(maxsize=maxsize, max_bytes=max_bytes)
        other.mode = "on"
        _core.copy_all(other, self._core)
        other.mode = self._core.mode
        self._attributes: list[tuple[Any, str, Any]] = []
        originals = state.functions()
        state.core = other
        self._twins = [(memoised, self._redirect(memoised)) for memoised in originals]

    def end(self) -> None:
        """Return everything to its own file; the other one is saved."""
        other = self._state.core
        for memoised, twin in self._twins:
            memoised._outlive_manager.redirect(None)
            # Until it is freed, the next redirection would take it for a function of the program.
            self._state.disown(twin)
        for thing, name, value in reversed(self._attributes):
            if value is _MISSING:
                del thing.__dict__[name]
            else:
                thing.__dict__[name] = value
        self._state.core = self._core
        other.close()

    def _redirect(self, memoised: _core.Memoised) -> _core.Memoised:
        registration = memoised._outlive_registration
        twin = _decorate.twin(memoised)
        face = registration.face()
        for thing in [memoised] if face is None or face is memoised else [memoised, face]:
            for name in _decorate.CONTROLS:
                self._replace(thing, name, getattr(twin, name))
        self._replace(memoised, "refresh", twin.refresh)
        memoised._outlive_manager.redirect(twin)
        return twin

    def _replace(self, thing: Any, name: str, value: Any) -> None:
        self._attributes.append((thing, name, thing.__dict__.get(name, _MISSING)))
        thing.__dict__[name] = value
