"""Reporting calls to hooks and the log: misses with their reasons, stores, and hits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, Protocol

from . import _core
from ._explain import Explainer, Registered
from ._hooks import Event
from ._spans import size, span
from ._warnings import warn


class Observed(Registered, Protocol):
    """The function whose calls are reported."""

    #: Gives it; it is not kept alive.
    memoised: Callable[[], _core.Memoised | None]


_logger = logging.getLogger("outlive")


class Observer:
    """Reports the calls of one function, which it does not keep alive."""

    def __init__(self, registration: Observed) -> None:
        self._registration, self._state = registration, registration.cache

    @property
    def _memoised(self) -> _core.Memoised:
        memoised = self._registration.memoised()
        assert memoised is not None, "it is being called"
        return memoised

    def hit(self, key: str) -> None:
        """Report a result that was served."""
        self._tell("on_hit", self._event("hit", key))
        _logger.debug("hit: %s", _core.shown_key(key))

    def miss(self, key: str, anew: bool) -> None:
        """Report a result that is about to be computed."""
        found = None if anew else Explainer(self._registration, self._memoised, key).of_entry()
        reason = found.reason if found is not None and not found.is_hit else "refresh"
        self._tell("on_miss", self._event("miss", key)._replace(reason=reason))
        if found is not None and not found.is_hit:
            _logger.debug("miss: %s %s", _core.shown_key(key), found.why)
        else:
            _logger.debug("miss: %s is computed anew", _core.shown_key(key))

    def store(self, key: str, length: int | None, seconds: float | None) -> None:
        """Report a result that was kept."""
        event = self._event("store", key)._replace(seconds=seconds, size=length)
        self._tell("on_store", event)
        took = "" if seconds is None else f", computed in {span(seconds)}"
        where = "in this process only" if length is None else size(length)
        _logger.debug("stored: %s, %s%s", _core.shown_key(key), where, took)

    def _event(self, kind: Literal["hit", "miss", "store"], key: str) -> Event:
        return Event(kind, self._memoised.name, key, self._state.path)

    def _tell(self, name: str, event: Event) -> None:
        hook = getattr(self._state.hooks, name, None)
        if hook is None:
            return
        try:
            hook(event)
        except Exception as error:  # what only looks on must not cost the call
            if name not in self._state.told_hooks:
                self._state.told_hooks.add(name)
                message = (
                    f"{name}= of {self._state.label} raised {type(error).__name__}: {error}; calls "
                    "go on without it, and this is told once"
                )
                warn("OutliveWarning", message)
