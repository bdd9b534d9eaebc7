"""The classes of warnings, and the exceptions of outlive's own.

Their ``__module__`` is where users import them from: it appears in tracebacks and filters.
"""

from __future__ import annotations

from . import _core


class OutliveWarning(UserWarning):
    """The base of all warnings of outlive. The call that a warning is about goes on regardless."""

    __module__ = "outlive"


class KeyCollisionWarning(OutliveWarning):
    """Two different calls share a key, so one was answered with the other's result."""

    __module__ = "outlive"


class CodeChangedWarning(OutliveWarning):
    """A function was edited since its results were kept, and an old result was served."""

    __module__ = "outlive"


class ClassChangedWarning(OutliveWarning):
    """A kept result is computed anew, because its class has changed or is not known here."""

    __module__ = "outlive"


class UnstorableWarning(OutliveWarning):
    """The file cannot hold a result, which is kept in this process only, or a first argument."""

    __module__ = "outlive"


class CacheFileWarning(OutliveWarning):
    """Trouble with the file: damaged, unreadable, not writable, or no room on the disk."""

    __module__ = "outlive"


class WaitingWarning(OutliveWarning):
    """A call has waited long for another thread, task or process to compute its result."""

    __module__ = "outlive"


class CacheMiss(LookupError):  # noqa: N818 - what users of caches call it
    """Raised in mode "offline" or "frozen" by a call for which the cache holds no fresh result.

    Attributes:
        function: ``module.qualname`` of the function that was called.
        key: The key text of the call.
    """

    __module__ = "outlive"

    def __init__(self, message: str, function: str = "", key: str = "") -> None:
        super().__init__(message)
        self.function = function
        self.key = key


class StoreError(OSError):
    """Raised where a cache's server cannot be used, if the cache has ``on_store_error="raise"``."""

    __module__ = "outlive"


def cache_miss(function: str, key: str, nearest: str | None, mode: str) -> CacheMiss:
    """Return the exception for a miss in a mode that computes nothing.

    Args:
        function: ``module.qualname`` of the function that was called.
        key: The key text of the call.
        nearest: How the call differs from the nearest one that is kept; None if none is kept.
        mode: "offline" or "frozen".
    """
    advice = "run once in mode 'on' to record it"
    if mode == "frozen":
        advice = "compute it in the cache that was frozen, and freeze that again"
    kept = f"; the nearest call that is kept differs in {nearest}" if nearest else ""
    message = (
        f"{function}: no fresh result under the key {_core.shown_key(key)}, and the mode is "
        f"{mode!r}{kept}; {advice}"
    )
    return CacheMiss(message, function, key)
