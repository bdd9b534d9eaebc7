"""Starting a map: what is mapped, over what, and with which options."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import MethodType
from typing import Any

from .. import _core, _options
from .._wrappers import native_of
from . import methods, tasks, threads
from .job import Job, checked_items

_OPTIONS = ("workers", "on_error", "progress", "ordered", "star")
#: What cannot be mapped over, by the manner of its calls, and what to do.
_REFUSED = {
    "task": "is an async def function: write `async for result in {0}.amap(items)`",
    "batch": "takes all items in one call: write {0}(items)",
    "stream": "gives its result piece by piece: call it for each item",
    "task stream": "gives its result piece by piece: call it for each item",
}


def map_of(
    native: _core.Memoised,
    called: Any,
    items: Any,
    options: dict[str, Any],
    bound: tuple[Any, ...] = (),
) -> Iterator[Any]:
    """Return the results of ``called`` for all ``items``, made in threads.

    Raises:
        TypeError: the function is not for threads, or an option or ``items`` are of a wrong type.
        ValueError: an option has a value that means nothing.
    """
    if native._outlive_registration.manner != "whole":
        raise _refusal(native)
    return threads.results(_job(native, called, options, bound), _plain(items, native.name))


def amap_of(
    native: _core.Memoised,
    called: Any,
    items: Any,
    options: dict[str, Any],
    bound: tuple[Any, ...] = (),
) -> AsyncIterator[Any]:
    """Return the results of ``called`` for all ``items``, made in tasks.

    Raises:
        TypeError: the function is not for tasks, or an option or ``items`` are of a wrong type.
        ValueError: an option has a value that means nothing.
    """
    manner = native._outlive_registration.manner
    if manner == "whole":
        raise TypeError(f"{native.name} is no async def function: write {native.name}.map(items)")
    if manner != "task":
        raise _refusal(native)
    job = _job(native, called, options, bound)
    return tasks.results(job, checked_items(items, f"{native.name}.amap"))


def parts(memoised: Any) -> tuple[_core.Memoised, Any, tuple[Any, ...]] | None:
    """Return the native half of a memoised function, the callable, and what it is bound to.

    None if ``memoised`` is not memoised.
    """
    bound: tuple[Any, ...] = ()
    if isinstance(memoised, MethodType):
        memoised, bound = memoised.__func__, (memoised.__self__,)
    native = native_of(memoised)
    return (native, memoised, bound) if isinstance(native, _core.Memoised) else None


def _refusal(native: _core.Memoised) -> TypeError:
    advice = _REFUSED[native._outlive_registration.manner].format(native.name)
    return TypeError(f"{native.name} {advice}")


def _job(
    native: _core.Memoised, called: Any, options: dict[str, Any], bound: tuple[Any, ...]
) -> Job:
    _options.refuse_unknown(options, _OPTIONS, "map")
    fits = None if bound else methods.first_argument(native)
    return Job(native.name, called, native.look_up, bound, fits, **options)


def _plain(items: Any, name: str) -> Any:
    if not hasattr(items, "__iter__") and hasattr(items, "__aiter__"):
        raise TypeError(f"{name}.map takes an iterable, not an asynchronous one: use amap")
    return checked_items(items, f"{name}.map")
