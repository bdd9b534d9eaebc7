"""Finishes imports before a fork.

A child that is forked while another thread imports would wait for ever for that thread's lock. So
small modules that calls import on demand are imported before the fork, and imports of others that
are under way are waited for.
"""

from __future__ import annotations

import os
import sys

from . import _core

#: Modules that calls import on demand, ours and the standard library's.
_LATER = (
    "_code_digest", "_previous", "_tags", "_kept_errors", "_describe", "_digest", "_naming",
    "_info", "_exceptions", "_nearest", "_modes", "_refresh", "_noted", "_explain",
    "_provenance", "_savings",
)  # fmt: skip
#: Not ``logging``, which takes part in forks itself, from its import on.
_LIBRARY = ("copy", "json", "warnings", "threading", "weakref", "contextvars", "datetime")

#: Modules that take a lock of theirs before a fork and release it after, from their import on.
_LOCKING = {"logging": "_lock", "concurrent.futures.thread": "_global_shutdown_lock"}


def _finish_imports() -> None:
    """Import these modules; wait for imports that are under way in other threads."""
    missing = [name for name in _LOCKING if name not in sys.modules]
    _import_all()
    for name in missing:
        if name in sys.modules:  # it will release what it had no time to take
            getattr(sys.modules[name], _LOCKING[name]).acquire()


def _import_all() -> None:
    ours = f"{__package__}."
    # It imports gevent, and calls need it only where the program has done so.
    later = (*_LATER, "_greenlets") if "gevent" in sys.modules else _LATER
    for name in (*_under_way(ours), *(ours + name for name in later), *_LIBRARY):
        try:
            __import__(name)
        except (ImportError, OSError):  # no right to read the library any more, or no descriptor
            continue


def _under_way(start: str) -> list[str]:
    """Return the modules that are being imported, of those whose names begin with ``start``."""
    loaded = [
        (name, module) for name, module in list(sys.modules.items()) if name.startswith(start)
    ]
    specs = [(name, getattr(module, "__spec__", None)) for name, module in loaded]
    return [name for name, spec in specs if getattr(spec, "_initializing", False)]


def register() -> None:
    """Register the hook, where the system has forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_finish_imports, after_in_child=_core.after_fork_in_child)
