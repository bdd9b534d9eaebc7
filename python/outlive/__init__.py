"""Keeps results of slow, paid or rate-limited calls in a JSON file that outlives the process.

A cache of your own has a file of its own. The function and all its arguments are the key::

    from outlive import Cache

    github = Cache("github.json")

    @github.memoise(ttl="1d")
    def fetch(uri, page=1): ...

The drop-in replaces a home-made decorator. The first argument alone is the key, for all functions
together, in one file, ``cache_file.json``::

    from outlive import memoise

    @memoise
    def get_json(uri): ...

``help()`` knows more about:

- ``outlive.Cache`` and ``outlive.Cache.memoise``: all options
- ``outlive.Memoised``: the methods of a memoised function
- ``outlive.configure``: the options of the drop-in
- ``outlive.disable``, ``outlive.enable``: the off switch of all caches
- ``outlive.register``: how instances of a class are stored
- ``outlive.log_hits``: hits in the log; misses and stores are there at level DEBUG
- ``outlive.previous``: the result that a running call replaces
- ``outlive.OutliveWarning`` and the warnings below it, ``outlive.CacheMiss``,
  ``outlive.StoreError``, ``outlive.CacheInfo``

The drop-in is loaded at its first use: importing ``outlive`` alone touches no file.
"""

from __future__ import annotations

from . import _callbacks as _callbacks
from . import _core
from ._cache import Cache as Cache
from ._core import log_hits as log_hits
from ._exceptions import CacheFileWarning as CacheFileWarning
from ._exceptions import CacheMiss as CacheMiss
from ._exceptions import ClassChangedWarning as ClassChangedWarning
from ._exceptions import CodeChangedWarning as CodeChangedWarning
from ._exceptions import KeyCollisionWarning as KeyCollisionWarning
from ._exceptions import OutliveWarning as OutliveWarning
from ._exceptions import StoreError as StoreError
from ._exceptions import UnstorableWarning as UnstorableWarning
from ._exceptions import WaitingWarning as WaitingWarning
from ._registry import disable as disable
from ._registry import enable as enable
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._classes.custom import register as register
    from ._drop_in import cache as cache
    from ._drop_in import cache_file as cache_file
    from ._drop_in import configure as configure
    from ._drop_in import memoise as memoise
    from ._drop_in import memoize as memoize
    from ._drop_in import save_cache as save_cache
    from ._explanation import Explanation as Explanation
    from ._failed import Failed as Failed
    from ._file import File as File
    from ._hooks import Event as Event
    from ._info import CacheInfo as CacheInfo
    from ._previous import previous as previous
    from ._progress import Progress as Progress
    from ._provenance import Provenance as Provenance
    from ._receipts import Receipts as Receipts
    from ._types import BoundMemoised as BoundMemoised
    from ._types import Memoised as Memoised

# The drop-in's names alone: a star import comes after other imports and must not shadow anything.
__all__ = ["cache", "cache_file", "memoise", "memoize", "save_cache"]

__version__ = _core.VERSION

_PUBLIC = [
    "BoundMemoised",
    "Cache",
    "CacheFileWarning",
    "CacheInfo",
    "CacheMiss",
    "ClassChangedWarning",
    "CodeChangedWarning",
    "Event",
    "Explanation",
    "Failed",
    "File",
    "KeyCollisionWarning",
    "Memoised",
    "OutliveWarning",
    "Progress",
    "Provenance",
    "Receipts",
    "StoreError",
    "UnstorableWarning",
    "WaitingWarning",
    "configure",
    "disable",
    "enable",
    "log_hits",
    "previous",
    "register",
]

#: Names that are imported when they are first used, and from where.
_ELSEWHERE = {
    "BoundMemoised": "_types",
    "CacheInfo": "_info",
    "Event": "_hooks",
    "Explanation": "_explanation",
    "Failed": "_failed",
    "File": "_file",
    "Memoised": "_types",
    "Progress": "_progress",
    "Provenance": "_provenance",
    "Receipts": "_receipts",
    "previous": "_previous",
    "register": "_classes.custom",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import _drop_in

        _drop_in.load()
        return getattr(_drop_in, name)
    if name == "configure":
        from . import _drop_in

        return _drop_in.configure
    if name in _ELSEWHERE:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_PUBLIC, "__version__"])
