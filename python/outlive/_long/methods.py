"""Methods: whether the items of a map name the instance that each call is of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .. import _core
from .._wrappers import native_of

#: Whether an argument can be the first one of a method.
Fits = Callable[[Any], bool]


def first_argument(native: _core.Memoised) -> Fits | None:
    """Return what tells the first argument of a method from others; None: it is no method."""
    noted: Callable[[], Any] = getattr(native, "_outlive_owner", _nobody)
    owner = noted()
    if owner is not None:
        return lambda first: isinstance(first, owner)
    owner, member = _by_name(native)
    if isinstance(member, classmethod) and native_of(member.__func__) is native:
        return lambda first: isinstance(first, type) and issubclass(first, owner)
    return (lambda first: isinstance(first, owner)) if native_of(member) is native else None


def _nobody() -> None:
    """Return None: where no class was noted."""


def _by_name(native: _core.Memoised) -> tuple[Any, Any]:
    """Return the class to which the name leads, and what stands there."""
    path, _, name = getattr(native, "__qualname__", "").rpartition(".")
    found: Any = sys.modules.get(getattr(native, "__module__", ""))
    for part in path.split("."):
        found = getattr(found, part, None)
    return (found, vars(found).get(name)) if isinstance(found, type) else (None, None)


def refusal(name: str) -> TypeError:
    """Return the error for a method whose items name no instance.

    What is reached through a bound method does not know the instance, and would take each item
    for it.
    """
    method = name.rpartition(".")[2]
    return TypeError(
        f"{name} is a method, and its items name no instance: write "
        f"cache.map(instance.{method}, items), or amap, which knows it"
    )
