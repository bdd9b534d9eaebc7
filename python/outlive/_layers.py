"""What a function consists of: partials, bound methods, wrappers, and the function below them."""

from __future__ import annotations

import functools
import inspect
from types import FunctionType, MethodType

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def layers(function: Any) -> Iterator[Any]:
    """Yield ``function`` and what it calls, as far as that is known, down to the innermost."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = _below(function)


def innermost(function: Any) -> Any:
    """Return the function below all layers."""
    return list(layers(function))[-1]


def called_of(layer: Any) -> FunctionType | None:
    """Return the function that a call of ``layer`` runs: of an object, one of its class."""
    if isinstance(layer, FunctionType):
        return layer
    called = inspect.getattr_static(type(layer), "__call__", None)
    return called if isinstance(called, FunctionType) else None


def qualname_of(function: Any) -> str | None:
    """Return the qualified name of a function or partial; None if it has none."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else None


def _below(function: Any) -> Any:
    """Return what a layer calls; None if it calls none that it tells of."""
    if isinstance(function, functools.partial):
        return function.func
    if isinstance(function, MethodType):
        return function.__func__
    # A proxy for a server has each attribute that it is asked for.
    if inspect.getattr_static(function, "__wrapped__", None) is not None:
        return getattr(function, "__wrapped__", None)
    if isinstance(function, (FunctionType, type)):
        return None
    return called_of(function)
