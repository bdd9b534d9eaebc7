"""The manner of a function's calls: whole, awaited, with many items, or piece by piece."""

from __future__ import annotations

import inspect

from . import _naming, _options
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._cache_state import CacheState

#: The manners of generator functions.
STREAMS = ("stream", "task stream")
_GENERATOR_ADVICE = (
    "is a generator function, and in the drop-in functions share results: use a cache of your own, "
    "or memoise a function that returns list(...) of it"
)


def manner_of(function: Any, given: dict[str, Any]) -> str:
    """Return the manner of calls of ``function``."""
    if given.get("each") is not None:
        return "batch"
    if inspect.isgeneratorfunction(function):
        return "stream"
    if inspect.isasyncgenfunction(function):
        return "task stream"
    return "task" if suspends(function) else "whole"


def fixed_options(manner: str) -> dict[str, Any]:
    """Return the options that the manner decides, whatever the cache's defaults are."""
    if manner in STREAMS:
        # A stream in another process is not waited for: its consumer wants the first piece now.
        return {"refresh_after": None, "wait": 0.0}
    return {"refresh_after": None} if manner == "batch" else {}


def native_manner(function: Any, manner: str) -> str:
    """Return the manner as the native half names it."""
    return "task batch" if manner == "batch" and suspends(function) else manner


def suspends(function: Any) -> bool:
    """Return whether calls of ``function`` are awaited."""
    call = type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def refuse_batch(cache: CacheState, given: dict[str, Any]) -> None:
    """Raise if ``each=`` and ``batch=`` make no sense."""
    each = given.get("each")
    batch = given.get("batch")
    if batch is not None and _options.count(batch, "batch") and each is None:
        raise ValueError("batch= does nothing without each=, which names the parameter of items")
    if each is None:
        return
    if cache.is_drop_in:
        raise TypeError("each= needs a cache of your own: in the drop-in, functions share results")
    if each in given.get("ignore", ()):
        raise ValueError(f"each={each!r}: a parameter that ignore= names tells no items apart")
    if given.get("refresh_after") is not None:
        raise ValueError("refresh_after= makes no results of each= anew: call refresh([...])")


def refuse_stream(cache: CacheState, function: Any, given: dict[str, Any]) -> None:
    """Raise if ``function`` is a generator function that cannot be recorded."""
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        return
    name = _naming.own_name(function)
    if cache.is_drop_in:
        raise TypeError(f"{name} {_GENERATOR_ADVICE}")
    if given.get("each") is not None:
        raise TypeError(f"each= is for functions that return a list, and {name} is a generator")
    if given.get("refresh_after") is not None:
        raise ValueError(f"refresh_after= makes no stream anew: consume {name}.refresh(...)")
