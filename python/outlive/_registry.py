"""The files of this process and the ``Cache`` objects on them."""

from __future__ import annotations

import atexit
import os
from _thread import allocate_lock
from _weakref import ref  # weakref itself takes a while to import

from . import _core, _fork, _home, _modes, _servers, _stores
from ._typing import TYPE_CHECKING
from ._warnings import warn

if TYPE_CHECKING:
    from typing import Any

_files: dict[str, ref[_core.CacheFile]] = {}
#: Paths of which the file has gone, perhaps; a path may have a new one by now.
_gone: list[str] = []
_files_lock = allocate_lock()
#: Those over mappings of the user's.
_mapped: dict[ref[_core.CacheFile], None] = {}
#: The native halves of all `Cache` objects on files.
_cores: dict[ref[_core.Cache], None] = {}


def path_of(path: str | os.PathLike[str] | None, app: str | None) -> str | None:
    """Return the absolute path of the file, None for a cache in memory.

    Raises:
        TypeError: ``path`` or ``app`` is of the wrong type, or both are given.
        ValueError: ``path`` is empty.
    """
    if app is not None:
        if path is not None:
            raise TypeError("give either a path or app=, not both")
        if not isinstance(app, str) or not app:
            raise TypeError(f"app= takes the name of an application, not {app!r}")
        return _home.cache_file_of(app)
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a cache's path is a str or a path, not {type(path).__name__}")
    if not os.fspath(path):
        raise ValueError("a cache's path must not be empty; None keeps everything in memory")
    if os.fspath(path) == ":memory:":
        raise ValueError(f"{path!r} names no file; None keeps everything in memory")
    expanded = _home.expanded(os.fspath(path))
    # Another case of letters and another normalisation of accents name the same file on macOS and
    # Windows but make another cache, as another link does: the file merges what both keep.
    try:
        return None if expanded is None else os.path.abspath(expanded)
    except OSError:  # the working directory is gone
        return expanded


def _mode_of_environment() -> str:
    """Return the mode that OUTLIVE_MODE names. An unknown one warns, so that no import fails."""
    word = os.environ.get("OUTLIVE_MODE", "").strip().lower() or "on"
    if word in _modes.MODES:
        return word
    known = ", ".join(_modes.MODES)
    warn("OutliveWarning", f"OUTLIVE_MODE={word!r} is none of {known}: the mode is 'on'")
    return "on"


def core_over(mapping: Any) -> _core.Cache:
    """Return the native half of a new ``Cache`` object over a mapping of the user's.

    All objects over one mapping share one native file.

    Raises:
        TypeError: it is no mapping that can be changed.
    """
    from ._carrier import Carrier

    file = _over(mapping)
    if file is None:
        carrier = Carrier(mapping)
        with _files_lock:
            file = _over(mapping)
            if file is None:
                file = _new_file(None, carrier=carrier)
                _mapped[ref(file, _mapped.pop)] = None
    return _counted(_core.Cache(file, mode=_mode_of_environment()))


def _new_file(
    path: str | None,
    *,
    plain: bool = False,
    fsync: bool = False,
    page_size: int | None = None,
    carrier: Any = None,
    server: str | None = None,
) -> _core.CacheFile:
    return _core.CacheFile(
        path,
        ascii=plain,
        fsync=fsync,
        page_size=page_size,
        carrier=carrier,
        overridden=_modes.current,
        warn=warn,
        server=server,
    )


def _over(mapping: Any) -> _core.CacheFile | None:
    for reference in list(_mapped):
        file = reference()
        if file is not None and file.carrier is not None and file.carrier.mapping is mapping:
            return file
    return None


def _counted(core: _core.Cache) -> _core.Cache:
    _cores[ref(core, _cores.pop)] = None
    return core


def core_of(
    path: str | None,
    fsync: bool,
    plain: bool,
    page_size: int | None = None,
    *,
    is_server: bool = False,
) -> _core.Cache:
    """Return the native half of a new ``Cache`` object on ``path``; None means in memory.

    All objects on one path share one native file. It is a database if there is a ``page_size``, or
    if the existing file is one. The ``path`` of a server is its URL.

    Raises:
        ValueError: the file is in use with less durability than asked for.
    """
    file = _living(path) if path is not None else None
    if file is None:
        if page_size is None and path is not None and not plain and not is_server:
            is_database = _stores.is_database(path, _databases())
            page_size = _stores.PAGE_SIZE if is_database else None
        server = path if is_server else None
        file = _new_file(path, plain=plain, fsync=fsync, page_size=page_size, server=server)
    if path is None:
        return _core.Cache(file, mode=_mode_of_environment())
    file = _first(path, file)
    if fsync and not file.fsync:
        raise ValueError(
            f"durability='fsync': {path} is already in use here with durability='flush', and all "
            "Cache objects on one file share it; ask for 'fsync' where the first one is made"
        )
    return _counted(_core.Cache(file, mode=_mode_of_environment()))


def lend_to(core: _core.Cache, path: str | os.PathLike[str]) -> str | None:
    """Make the cache at ``path`` the fallback of ``core``; return the absolute path.

    Raises:
        ValueError: ``path`` is the file of ``core`` itself, or ``core`` has no file.
    """
    server = _servers.url(path, None)
    named, page_size = (None, None) if server else _stores.parsed(path)
    behind = server or path_of(named, None)
    if behind is None or core.path is None or behind == str(core.path):
        shown = _stores.shown(path)
        raise ValueError(f"fallback={shown!r} must be another file than that of the cache")
    fallback = core_of(behind, False, False, page_size, is_server=server is not None)
    fallback.mode = "readonly"
    core.set_fallback(fallback)
    return behind


def sharing(core: _core.Cache) -> list[_core.Cache]:
    """Return the native halves of the other ``Cache`` objects on the file of ``core``."""
    return [other for other in _all() if other is not core and other.file is core.file]


def _databases() -> list[str]:
    """The paths of the databases that this process uses."""
    files = [(path, _living(path)) for path in list(_files)]
    return [path for path, file in files if file is not None and file.is_database]


def _living(path: str) -> _core.CacheFile | None:
    found = _files.get(path)
    return None if found is None else found()


def _first(path: str, file: _core.CacheFile) -> _core.CacheFile:
    """Return the file on ``path``: ``file``, unless another thread made one first."""
    with _files_lock:
        # These references live until the lock is free: dropping a cache may run any code.
        seen = [_living(path)]
        if seen[0] is None:
            # At exit the module may be gone before the cache is.
            _files[path] = ref(file, lambda _, gone=_gone: gone.append(path))  # type: ignore[misc]
        while _gone:
            name = _gone.pop()
            seen.append(_living(name))
            if seen[-1] is None:
                _files.pop(name, None)
    return file if seen[0] is None else seen[0]


def disable() -> None:
    """Switch all caches of this process off: calls go straight to their functions.

    Unsaved results are saved first; after that no file is touched until ``enable``.
    """
    for core in _all():
        if core.is_loaded:
            core.close()
    _modes.everywhere("off")


def enable() -> None:
    """Undo ``disable``: every cache returns to the mode that it had."""
    _modes.everywhere(None)


def _all() -> list[_core.Cache]:
    """Return the native halves of all `Cache` objects on files that are alive."""
    found = [reference() for reference in list(_cores)]
    return [core for core in found if core is not None]


def _leave() -> None:
    """Save the open files at the end of the interpreter, in the process that opened them."""
    for core in _all():
        core.close(ends=True)
    _core.exiting()


atexit.register(_leave)
_fork.register()
