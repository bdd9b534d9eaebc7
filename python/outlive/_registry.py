"""Which file a cache means, and the one native cache of this process on it."""

from __future__ import annotations

import atexit
import os
from _thread import allocate_lock
from _weakref import ref  # weakref itself takes a while to import

from . import _core, _fork, _modes
from ._warnings import warn

_cores: dict[str, ref[_core.Cache]] = {}
#: Paths of which the cache has gone, perhaps; a path may have a new one by now.
_gone: list[str] = []
_cores_lock = allocate_lock()


def path_of(path: str | os.PathLike[str] | None, app: str | None) -> str | None:
    """Return the absolute path of the file that is meant; None for a cache in memory.

    Raises:
        TypeError: ``path`` or ``app`` is of the wrong type, or both are given.
        ValueError: ``path`` is empty.
    """
    if app is not None:
        if path is not None:
            raise TypeError("give either a path or app=, not both")
        if not isinstance(app, str) or not app:
            raise TypeError(f"app= takes the name of an application, not {app!r}")
        from platformdirs import user_cache_path

        path = user_cache_path(app) / "cache.json"
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a cache's path is a text or a path, not {type(path).__name__}")
    if not os.fspath(path):
        raise ValueError("a cache's path must not be empty; None keeps everything in memory")
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory is gone
        return os.fspath(path)


def _mode_of_environment() -> str:
    """What OUTLIVE_MODE says; a word that means nothing is no reason to fail at import."""
    word = os.environ.get("OUTLIVE_MODE", "").strip().lower() or "on"
    if word in _modes.MODES:
        return word
    known = ", ".join(_modes.MODES)
    warn("OutliveWarning", f"OUTLIVE_MODE={word!r} is none of {known}: the mode is 'on'")
    return "on"


def core_of(path: str | None, fsync: bool, plain: bool, app: str | None) -> _core.Cache:
    """Return the one native cache of this process on ``path``; None has a new one each time.

    Raises:
        ValueError: it is there already, and less durable than asked for.
    """
    core = _living(path) if path is not None else None
    if core is None:
        core = _core.Cache(
            path,
            ascii=plain,
            fsync=fsync,
            makes_folder=app is not None,
            mode=_mode_of_environment(),
            overridden=_modes.current,
            warn=warn,
        )
    if path is None:
        return core
    core = _first(path, core)
    if fsync and not core.fsync:
        raise ValueError(
            f"durability='fsync': {path} is already in use here with durability='flush', and all "
            "Cache objects on one file share it; ask for 'fsync' where the first one is made"
        )
    return core


def _living(path: str) -> _core.Cache | None:
    found = _cores.get(path)
    return None if found is None else found()


def _first(path: str, core: _core.Cache) -> _core.Cache:
    """The cache on ``path`` that was first: ``core``, unless another thread was faster."""
    with _cores_lock:
        # What is looked at lives until the lock is free: to drop a cache may run any code.
        seen = [_living(path)]
        if seen[0] is None:
            # At exit the module may be gone before the cache is.
            _cores[path] = ref(core, lambda _, gone=_gone: gone.append(path))  # type: ignore[misc]
        while _gone:
            name = _gone.pop()
            seen.append(_living(name))
            if seen[-1] is None:
                _cores.pop(name, None)
    return core if seen[0] is None else seen[0]


def disable() -> None:
    """Switch every cache of this process off: functions call through, no file is touched.

    What was computed before is saved first. ``enable`` takes it back.
    """
    for core in _all():
        if core.is_loaded:
            core.close()
    _modes.everywhere("off")


def enable() -> None:
    """Take ``disable`` back: every cache is in the mode again that it had."""
    _modes.everywhere(None)


def _all() -> list[_core.Cache]:
    """The caches of files that are alive."""
    found = [reference() for reference in list(_cores.values())]
    return [core for core in found if core is not None]


def _leave() -> None:
    """Save what is open when the interpreter ends, in the process that opened it."""
    for core in _all():
        core.close()
    _core.exiting()


atexit.register(_leave)
_fork.register()
