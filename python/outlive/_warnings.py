"""Warnings that point at the user's line and never get in the way of the call."""

from __future__ import annotations

import os
import sys
import warnings
from types import TracebackType
from typing import Any

from . import _errors

_HERE = os.path.dirname(__file__)


def _stacklevel() -> int:
    """How far up the stack the first frame outside of outlive is, as ``warn`` below counts."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level


class _Report:
    """What ``sys.unraisablehook`` is to print."""

    err_msg: str | None = "outlive went on after a warning"
    object: Any = None

    def __init__(self, error: Warning) -> None:
        self.exc_type: type[BaseException] = type(error)
        self.exc_value: BaseException | None = error
        self.exc_traceback: TracebackType | None = error.__traceback__


def warn(category: str, message: str) -> None:
    """Issue ``message`` as the warning class of this name.

    A filter that turns warnings into errors must not cost the user a computed result: the error
    goes to ``sys.unraisablehook``, which prints it (and which test runners report).
    """
    cls = getattr(_errors, category)
    try:
        warnings.warn(message, cls, stacklevel=_stacklevel())
    except cls as error:
        sys.unraisablehook(_Report(error))
