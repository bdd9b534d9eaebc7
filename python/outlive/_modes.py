"""Modes that hold for a while, in one thread or task: ``with cache.mode("offline"):``."""

from __future__ import annotations

from contextvars import ContextVar

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextvars import Token

    from . import _core
    from ._types import Mode

MODES: tuple[Mode, ...] = ("on", "off", "refresh", "offline", "readonly")


def checked(mode: object) -> Mode:
    """Return ``mode`` if it is one.

    Raises:
        ValueError: there is no such mode.
    """
    for word in MODES:
        if word == mode:
            return word
    raise ValueError(f"mode={mode!r}: must be one of {', '.join(map(repr, MODES))}")


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


class overriding:  # noqa: N801 - it is used like a function
    """Let a mode hold for a cache in this thread or task, for the length of a ``with`` block."""

    def __init__(self, core: _core.Cache, mode: str) -> None:
        """Name the mode; nothing happens before the block begins."""
        self._core, self._mode = core, mode
        self._blocks: list[tuple[_Override, Token[_Override | None]]] = []

    def __enter__(self) -> None:
        override = _Override(self._core, self._mode, _innermost.get())
        self._core.enter()
        self._blocks.append((override, _innermost.set(override)))

    def __exit__(self, *exc: object) -> None:
        override, token = self._blocks.pop()
        _innermost.reset(token)
        override.active = False
        self._core.leave()
