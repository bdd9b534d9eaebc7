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
        is_opaque = has_any_attribute(function)
        beside = None if is_opaque else getattr(function, "_self_wrapper", None)
        if type(beside) is FunctionType:  # of wrapt: it is called with the function below
            yield beside
        function = _below(function, is_opaque)


def innermost(function: Any) -> Any:
    """Return the function below all layers."""
    return list(layers(function))[-1]


def called_of(layer: Any) -> FunctionType | None:
    """Return the function that a call of ``layer`` runs: of an object, one of its class."""
    if type(layer) is FunctionType:
        return layer
    called = inspect.getattr_static(type(layer), "__call__", None)
    return called if isinstance(called, FunctionType) else None


def without_partial(function: Any) -> Any:
    """Return what stands below partials."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def qualname_of(function: Any) -> str | None:
    """Return the qualified name of a function or partial; None if it has none."""
    name = getattr(without_partial(function), "__qualname__", None)
    return name if isinstance(name, str) else None


def _below(function: Any, is_opaque: bool) -> Any:
    """Return what a layer calls; None if it calls none that it tells of.

    An opaque one has each attribute that it is asked for.
    """
    # Not isinstance: a proxy is an instance of whatever it stands for.
    if issubclass(type(function), functools.partial):
        return function.func
    if type(function) is MethodType:
        return function.__func__
    wrapped = None if is_opaque else getattr(function, "__wrapped__", None)
    if wrapped is not None or type(function) is FunctionType or isinstance(function, type):
        return wrapped
    return called_of(function)


def has_any_attribute(function: Any) -> bool:
    """Return whether ``function`` has each attribute that it is asked for, as servers' proxies."""
    return getattr(function, "_outlive_nothing", None) is not None
