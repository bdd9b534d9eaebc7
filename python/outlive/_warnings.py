"""Warnings that point at the user's line and never get in the way of the call."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import MutableMapping
from pathlib import Path

from . import _core, _errors

#: Frames that are not the user's: our own, and the mix-in methods that a mapping inherits.
_PASSED = (str(Path(__file__).parent) + os.sep, MutableMapping.update.__code__.co_filename)


def _stacklevel() -> int:
    """How far up the stack the user's first frame is, as ``warn`` below counts."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED):
        level, frame = level + 1, frame.f_back
    return level


def warn(category: str, message: str) -> None:
    """Issue ``message`` as the warning class of this name.

    A filter that turns warnings into errors, or a warnings machinery that is broken, must not cost
    the user a computed result: the error goes to ``sys.unraisablehook``, which prints it (and
    which test runners report).
    """
    cls = getattr(_errors, category)
    try:
        warnings.warn(message, cls, stacklevel=_stacklevel())
    except Exception as error:
        _core.report(error)
