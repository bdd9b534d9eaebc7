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
#: Packages that call functions for the user, who stands on another stack, if on any.
_RUNNERS = frozenset(
    [
        *("asyncio", "threading", "concurrent", "multiprocessing", "sched"),
        *("trio", "anyio", "gevent", "joblib", "uvicorn", "starlette"),
    ]
)


#: A line of the user's code: file, number and the globals of its module.
if TYPE_CHECKING:
    from typing import Any

    Line = tuple[str, int, dict[str, Any]]

#: In a task that computes for others: the line that asked first, which is on no stack there.
asking: ContextVar[Line | None] = ContextVar("outlive_asking", default=None)


def users_line(function: Any = None) -> Line:
    """Return the line of the first frame outside outlive; under asyncio, the one that awaited.

    Where an event loop or a pool calls ``function``, that is the line of its definition.

    At exit there is none; ``sys:1`` stands for it, as in the standard library.
    """
    line = asking_line()
    if line is None and function is not None:
        line = _definition_of(function)
    return line or _first_line()


def asking_line() -> Line | None:
    """Return the line that asks; None if an event loop or a pool does."""
    line = _first_line()
    is_run = str(line[2].get("__name__")).partition(".")[0] in _RUNNERS
    return asking.get() if is_run else line


def _first_line() -> Line:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED):
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(_PASSED):
        return "sys", 1, sys.__dict__
    return frame.f_code.co_filename, frame.f_lineno, frame.f_globals


def _definition_of(function: Any) -> Line | None:
    from ._code import code_of
    from ._layers import innermost

    code = code_of(function)
    names = getattr(innermost(function), "__globals__", None)
    return None if code is None or names is None else (code.co_filename, code.co_firstlineno, names)


def warn(category: str, message: str, function: Any = None) -> None:
    """Issue ``message``, about calls of ``function``, as the warning class of this name.

    A filter that turns warnings into errors, or a warnings machinery that is broken, must not cost
    the user a computed result: the error goes to ``sys.unraisablehook``, which prints it (and
    which test runners report).
    """
    import warnings

    _log(message)
    cls = getattr(_exceptions, category)
    try:
        file, number, names = users_line(function)
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
