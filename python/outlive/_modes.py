"""Temporary modes: ``with cache.mode("offline"):``, ``outlive.disable()``."""

from __future__ import annotations

from _thread import get_ident
from contextvars import ContextVar

from . import _core
from ._typing import TYPE_CHECKING
from ._warnings import warn

if TYPE_CHECKING:
    from contextvars import Token

    from ._option_types import Mode

#: The modes, as the native half names them.
MODES: tuple[Mode, ...] = _core.MODES


def checked(mode: object) -> Mode:
    """Return ``mode`` if there is such a mode.

    Raises:
        ValueError: there is no such mode.
    """
    for word in MODES:
        if word == mode:
            return word
    raise ValueError(f"mode={mode!r}: must be one of {', '.join(map(repr, MODES))}")


class _Override:
    """One ``with`` block. Tasks that are started in it see it only while it lasts."""

    def __init__(self, core: _core.Cache, mode: str, outer: _Override | None) -> None:
        self.core, self.mode, self.outer, self.active = core, mode, outer, True
        self.thread, self.counted = get_ident(), False
        self.token: Token[_Override | None] | None = None


_innermost: ContextVar[_Override | None] = ContextVar("outlive_mode", default=None)
#: The open blocks that hold in all threads, and those that hold in one.
_of_all: list[_Override] = []
_of_one: list[_Override] = []
#: The mode of every cache of this process, if `everywhere` set one.
_everywhere: str | None = None
_told_of_threads = False


def current(core: _core.Cache) -> str | None:
    """Return the mode that overrides the default of ``core`` here and now, if one does."""
    if _everywhere is not None:
        return _everywhere
    override = _innermost.get()
    while override is not None:
        if override.core is core and override.active:
            return override.mode
        override = override.outer
    for override in reversed(list(_of_all)):
        if override.core is core and override.active:
            return override.mode
    if _of_one and not _told_of_threads:
        _tell_of_threads(core)
    return None


def of(core: _core.Cache) -> str:
    """Return the mode that holds for ``core`` here and now."""
    return current(core) or core.mode


def everywhere(mode: str | None) -> None:
    """Set the mode of all caches of this process, future ones included; None ends that."""
    global _everywhere
    if (mode is None) != (_everywhere is None):
        _core.override_all(mode is not None)
    _everywhere = mode


def of_all_caches() -> str | None:
    """Return the mode that `everywhere` set."""
    return _everywhere


def _tell_of_threads(core: _core.Cache) -> None:
    """Warn, once, that a thread without context does not see the block of another thread."""
    global _told_of_threads
    from threading import current_thread, main_thread  # not sooner: it takes long to import

    here = get_ident()
    blocks = [o for o in list(_of_one) if o.core is core and o.thread != here]
    if not blocks or _innermost.get() is not None or current_thread() is main_thread():
        return
    _told_of_threads = True
    message = (
        f"a call in {current_thread().name} is not in mode {blocks[0].mode!r}: "
        "`with cache.mode(...)` holds for its own thread or task; with "
        'cache.mode(..., threads="all") it holds for all'
    )
    warn("OutliveWarning", message)


class overriding:  # noqa: N801 - it is used like a function
    """The context manager that ``cache.mode()`` returns."""

    #: Whether `__init__` has come to its end: an interrupt may come before.
    _is_made = False

    def __init__(self, core: _core.Cache, mode: str, in_all_threads: bool) -> None:
        """Note the mode; it holds from the beginning of the block."""
        self._blocks: list[_Override] = []
        self._core, self._mode = core, mode
        self._all = _of_all if in_all_threads else _of_one
        self._was_entered = False
        self._is_made = True

    def __enter__(self) -> None:
        self._was_entered = True
        override = _Override(self._core, self._mode, _innermost.get())
        self._blocks.append(override)
        try:
            self._core.enter()
            override.counted = True
            self._all.append(override)
            override.token = _innermost.set(override)
        except BaseException:  # a signal handler raised: no block begins, and no mode holds
            self.__exit__()
            raise

    def __exit__(self, *exc: object) -> None:
        self._blocks[-1].active = False  # first: it holds no more, even if what follows is cut off
        override = self._blocks.pop()
        if override in self._all:
            self._all.remove(override)
        if override.counted:
            self._core.leave()
        if override.token is not None:
            try:  # noqa: SIM105 - contextlib takes longer to import than all of this
                _innermost.reset(override.token)
            except ValueError:  # a coroutine may be closed in another context
                pass

    def __del__(self) -> None:
        if not self._is_made:
            return
        for block in self._blocks:  # an interrupt came before their ends
            block.active = False
        if not self._was_entered:
            word = repr(self._mode)
            message = f"cache.mode({word}) does nothing by itself: write `with cache.mode({word}):`"
            warn("OutliveWarning", f"{message}, or cache.set_mode({word})")
