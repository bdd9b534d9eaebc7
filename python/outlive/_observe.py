"""Reporting calls to hooks and the log: misses with their reasons, stores, and hits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, Protocol

from . import _core
from ._explain import Explainer, Registered
from ._hooks import Event
from ._spans import size, span
from ._warnings import warn


class Observed(Registered, Protocol):
    """The function whose calls are reported."""

    #: Gives it; it is not kept alive.
    memoised: Callable[[], _core.Memoised | None]


Kind = Literal["hit", "miss", "store"]
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
        """Tell of a result that was served."""
        self._tell("on_hit", "hit", key)
        self._log("hit: %s", key)

    def miss(self, key: str, anew: bool) -> None:
        """Tell of a result that is about to be computed."""
        found = None if anew else Explainer(self._registration, self._memoised, key).of_entry()
        if found is None or found.is_hit:
            self._tell("on_miss", "miss", key, reason="refresh")
            self._log("miss: %s is computed anew", key)
        else:
            self._tell("on_miss", "miss", key, reason=found.reason)
            self._log("miss: %s %s", key, found.why)

    def store(self, key: str, length: int | None, seconds: float | None) -> None:
        """Tell of a result that was kept."""
        self._tell("on_store", "store", key, seconds=seconds, size=length)
        took = "" if seconds is None else f", computed in {span(seconds)}"
        where = "in this process only" if length is None else size(length)
        self._log("stored: %s, %s%s", key, where, took)

    def _log(self, sentence: str, key: str, *more: str) -> None:
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug(sentence, _core.shown_key(key), *more)

    def _tell(self, name: str, kind: Kind, key: str, **known: Any) -> None:
        hook = getattr(self._state.hooks, name, None)
        if hook is None:
            return
        event = Event(kind, self._memoised.name, key, self._state.path, **known)
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
