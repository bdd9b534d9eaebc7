"""What users are told: the classes of warnings, and the one exception of outlive's own.

Their ``__module__`` is where users find them: it stands in tracebacks and warning filters.
"""

from __future__ import annotations

from . import _core


class OutliveWarning(UserWarning):
    """Anything that outlive has to say; the call that it is about goes on all the same."""

    __module__ = "outlive"


class KeyCollisionWarning(OutliveWarning):
    """Two different calls share a key, so one was answered with the other's result."""

    __module__ = "outlive"


class CodeChangedWarning(OutliveWarning):
    """A function was edited since its results were kept, and an old result was served."""

    __module__ = "outlive"


class ClassChangedWarning(OutliveWarning):
    """A kept result is computed anew: its class is another than it was, or is not known here."""

    __module__ = "outlive"


class UnstorableWarning(OutliveWarning):
    """A result or an argument that the file cannot hold; the result lives in this process only."""

    __module__ = "outlive"


class CacheFileWarning(OutliveWarning):
    """Trouble with the file: damaged, unreadable, not writable, or no room on the disk."""

    __module__ = "outlive"


class WaitingWarning(OutliveWarning):
    """A call has waited long for a result that somebody else computes; it says who does."""

    __module__ = "outlive"


class CacheMiss(LookupError):  # noqa: N818 - what users of caches call it
    """Mode "offline", and the cache holds no fresh result for this call.

    Attributes:
        function: ``module.qualname`` of the function that was called.
        key: The key text of the call.
    """

    __module__ = "outlive"

    def __init__(self, message: str, function: str = "", key: str = "") -> None:
        super().__init__(message)
        self.function = function
        self.key = key


def cache_miss(function: str, key: str, nearest: str | None) -> CacheMiss:
    """Return the exception for a miss in mode "offline".

    Args:
        function: ``module.qualname`` of the function that was called.
        key: The key text of the call.
        nearest: What tells the call from the nearest one that is kept, if any is.
    """
    kept = f"; the nearest call that is kept differs in {nearest}" if nearest else ""
    message = (
        f"{function}: no fresh result under the key {_core.shown_key(key)}, and the mode is "
        f"'offline'{kept}; run once in mode 'on' to record it"
    )
    return CacheMiss(message, function, key)
