"""Warnings that point at the user's line and never get in the way of the call."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from . import _errors

_HERE = str(Path(__file__).parent)


def _stacklevel() -> int:
    """How far up the stack the first frame outside of outlive is, as ``warn`` below counts."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level


def warn(category: str, message: str) -> None:
    """Issue ``message`` as the warning class of this name.

    A filter that turns warnings into errors must not cost the user a computed result: the error
    goes to ``sys.unraisablehook``, which prints it (and which test runners report).
    """
    cls = getattr(_errors, category)
    try:
        warnings.warn(message, cls, stacklevel=_stacklevel())
    except cls as error:
        report = type("UnraisableHookArgs", (), {})()
        report.exc_type, report.exc_value, report.exc_traceback = cls, error, error.__traceback__
        report.err_msg, report.object = "outlive went on after a warning", None
        sys.unraisablehook(report)
