"""The function that users call with many items."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .. import _core
from .._manners import suspends
from .._steps import run, run_later
from .._wrappers import as_face
from .call import BatchCall
from .shape import Shape

#: The function itself, and what computes anew.
Pair = tuple[Callable[..., Any], Callable[..., Any]]


def face(
    native: _core.Memoised,
    function: Callable[..., Any],
    controls: Iterable[str],
    each: Any,
    batch: int | None,
) -> Any:
    """Return the function that stands for ``native``; its ``controls`` take one item each.

    Args:
        native: Keeps the result of one item.
        function: The function.
        controls: What ``native`` can do that users may ask for.
        each: The name of the parameter that takes the items.
        batch: How many items the function takes at most in one call; None: any number.

    Raises:
        TypeError: ``each`` is no name of a parameter that can take items.
    """
    shape = Shape(function, native.name, each, batch)
    make = _suspending if suspends(function) else _plain
    shown, refresh = make(native, function, shape)
    return as_face(shown, native, controls, refresh)


def _plain(native: _core.Memoised, function: Callable[..., Any], shape: Shape) -> Pair:
    @functools.wraps(function)
    def memoised(*args: Any, **kwargs: Any) -> Any:
        return run(BatchCall(native, shape, args, kwargs).steps())

    def refresh(*args: Any, **kwargs: Any) -> Any:
        """Compute all items of this call anew and keep the results, whatever is stored."""
        return run(BatchCall(native, shape, args, kwargs).refreshing())

    return memoised, refresh


def _suspending(native: _core.Memoised, function: Callable[..., Any], shape: Shape) -> Pair:
    @functools.wraps(function)
    async def memoised(*args: Any, **kwargs: Any) -> Any:
        return await run_later(BatchCall(native, shape, args, kwargs).steps())

    async def refresh(*args: Any, **kwargs: Any) -> Any:
        """Compute all items of this call anew and keep the results, whatever is stored."""
        return await run_later(BatchCall(native, shape, args, kwargs).refreshing())

    return memoised, refresh
