"""Finds the user's home folder, which may be missing: in a container, or without a user name."""

from __future__ import annotations

import os

from ._warnings import warn


def expanded(path: str | bytes) -> str | None:
    """Return ``path`` with ``~`` replaced; None where there is no home folder for it."""
    name = os.fsdecode(path)
    if not name.startswith("~"):
        return name
    if _is_empty():
        return _in_memory(name)
    found = os.path.expanduser(name)
    # A path that still begins with ~ is a file's name, unless it can only mean the home folder.
    return _in_memory(name) if found == name and name[1:2] in ("", os.sep) else found


def cache_file_of(app: str) -> str | None:
    """Return ``cache.json`` in the platform's cache folder of ``app``; None if there is none."""
    from platformdirs import user_cache_path

    try:
        path = str(user_cache_path(app, appauthor=False) / "cache.json")
    except (OSError, RuntimeError, KeyError):
        return _in_memory(f"Cache(app={app!r})")
    # With an empty or unknown HOME the path would be in the root folder, or in none.
    is_home = not os.environ.get("XDG_CACHE_HOME") and (_is_empty() or path.startswith("~"))
    return _in_memory(f"Cache(app={app!r})") if is_home else path


def _is_empty() -> bool:
    """Return whether HOME is set and empty: then ``~/x`` would mean ``/x``."""
    return os.name == "posix" and os.environ.get("HOME") == ""


def _in_memory(what: str) -> str | None:
    """Warn that ``what`` has no file."""
    message = (
        f"{what}: there is no home folder (HOME is not set, or empty, and the system knows none "
        "for this user); results are kept in memory only; name a file, or set HOME"
    )
    warn("CacheFileWarning", message)
    return None
