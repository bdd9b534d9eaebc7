"""Which file a cache means, and the one native cache of this process on it."""

from __future__ import annotations

import atexit
import os
import weakref
from _thread import allocate_lock

from . import _core, _modes, _options
from ._warnings import warn

_cores: weakref.WeakValueDictionary[str, _core.Cache] = weakref.WeakValueDictionary()
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
    if word in _options.MODES:
        return word
    known = ", ".join(_options.MODES)
    warn("OutliveWarning", f"OUTLIVE_MODE={word!r} is none of {known}: the mode is 'on'")
    return "on"


def core_of(path: str | None, fsync: bool, plain: bool, app: str | None) -> _core.Cache:
    """Return the one native cache of this process on ``path``; None has a new one each time.

    Raises:
        ValueError: it is there already, and less durable than asked for.
    """
    core = _cores.get(path) if path is not None else None
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
    with _cores_lock:
        core = _cores.setdefault(path, core)
    if fsync and not core.fsync:
        raise ValueError(
            f"durability='fsync': {path} is already in use here with durability='flush', and all "
            "Cache objects on one file share it; ask for 'fsync' where the first one is made"
        )
    return core


def _leave() -> None:
    """Save what is open when the interpreter ends, in the process that opened it."""
    for core in list(_cores.values()):
        core.close()
    _core.exiting()


atexit.register(_leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.after_fork_in_child)
