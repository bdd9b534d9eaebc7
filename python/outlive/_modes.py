"""Modes that hold for a while, in one thread or task: ``with cache.mode("offline"):``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._options import MODES
from ._warnings import warn

if TYPE_CHECKING:
    from . import _core


def of_environment() -> str:
    """Return the mode that OUTLIVE_MODE asks for; a word that is none gets a warning."""
    word = os.environ.get("OUTLIVE_MODE", "").strip().lower() or "on"
    if word in MODES:
        return word
    known = ", ".join(MODES)
    warn("OutliveWarning", f"OUTLIVE_MODE={word!r} is no mode (there are: {known}); it is ignored")
    return "on"


class _Override:
    """One ``with`` block; tasks started in it see it only as long as it lasts."""

    def __init__(self, core: _core.Cache, mode: str, outer: _Override | None) -> None:
        self.core, self.mode, self.outer, self.active = core, mode, outer, True


_innermost: ContextVar[_Override | None] = ContextVar("outlive_mode", default=None)


def current(core: _core.Cache) -> str | None:
    """Return the mode that overrides the default of ``core`` here and now, if one does."""
    override = _innermost.get()
    while override is not None:
        if override.core is core and override.active:
            return override.mode
        override = override.outer
    return None


@contextmanager
def overriding(core: _core.Cache, mode: str) -> Iterator[None]:
    """Let ``mode`` hold for ``core`` in this thread or task until the block ends."""
    override = _Override(core, mode, _innermost.get())
    core.enter()
    token = _innermost.set(override)
    try:
        yield
    finally:
        _innermost.reset(token)
        override.active = False
        core.leave()
