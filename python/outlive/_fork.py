"""A fork while another thread imports: the child would wait for ever for that thread's lock.

What calls import only when they need it is imported before a fork, so that no child inherits one
of these modules half made.
"""

from __future__ import annotations

import os

from . import _core

#: What calls import when they need it, ours and the standard library's.
_LATER = (
    "_code_digest", "_previous", "_tags", "_kept_errors", "_describe", "_digest", "_naming",
    "_info", "_greenlets", "_exceptions", "_nearest", "_modes", "_refresh", "_noted", "_explain",
    "_provenance", "_savings",
)  # fmt: skip
#: Not ``logging``, which takes part in forks itself, from its import on.
_LIBRARY = ("copy", "json", "warnings", "threading", "weakref", "contextvars", "datetime")


def _finish_imports() -> None:
    """Import what calls may be importing in other threads; an import under way is waited for."""
    for name in (*(f"{__package__}.{name}" for name in _LATER), *_LIBRARY):
        try:
            __import__(name)
        except ImportError:  # a process that gave up its rights may not read the library any more
            continue


def register() -> None:
    """Take part in forks, where the system has them."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_finish_imports, after_in_child=_core.after_fork_in_child)
