"""Modes that hold for a while, in one thread or task: ``with cache.mode("offline"):``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import _core


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
