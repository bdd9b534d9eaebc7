"""Warnings that point at the user's line and never get in the way of the call."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar

from . import _core, _exceptions
from ._typing import TYPE_CHECKING, MutableMapping

#: Frames that are not the user's: our own, inherited methods of mappings, imports.
_PASSED = (
    os.path.dirname(__file__) + os.sep,
    MutableMapping.update.__code__.co_filename,
    "<frozen importlib.",
)


#: A line of the user's code: file, number and the globals of its module.
if TYPE_CHECKING:
    from typing import Any

    Line = tuple[str, int, dict[str, Any]]

#: In a task that computes for others: the line that asked first, which is on no stack there.
asking: ContextVar[Line | None] = ContextVar("outlive_asking", default=None)


def users_line() -> Line:
    """Return the line of the first frame outside outlive; under asyncio, the one that awaited.

    At exit there is none; ``sys:1`` stands for it, as in the standard library.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED):
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(_PASSED):
        return "sys", 1, sys.__dict__
    is_loop = frame.f_globals.get("__package__") == "asyncio"
    line = asking.get() if is_loop else None
    return line or (frame.f_code.co_filename, frame.f_lineno, frame.f_globals)


def warn(category: str, message: str) -> None:
    """Issue ``message`` as the warning class of this name.

    A filter that turns warnings into errors, or a warnings machinery that is broken, must not cost
    the user a computed result: the error goes to ``sys.unraisablehook``, which prints it (and
    which test runners report).
    """
    import warnings

    _log(message)
    cls = getattr(_exceptions, category)
    try:
        file, number, names = users_line()
        registry = names.setdefault("__warningregistry__", {})
        module = names.get("__name__", "<unknown>")
        # Without the module's globals: the loader of `python -c` raises when asked for the line.
        warnings.warn_explicit(message, cls, file, number, module, registry)
    except Exception as error:
        _core.report(error)


def _log(message: str) -> None:
    """Write ``message`` into the program's log, if it has one."""
    logging: Any = sys.modules.get("logging")
    try:
        logger = logging and logging.getLogger("outlive")
        if logger and logger.hasHandlers():
            logger.warning("%s", message)
    except Exception as error:  # a log that is half imported, or a handler that raises
        _core.report(error)
