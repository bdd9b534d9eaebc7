"""Tells functions of one name apart by their bodies and by what they close over."""

from __future__ import annotations

from functools import partial
from types import FunctionType, MethodType

from . import _core
from ._class_body import around
from ._code import body_text
from ._digest import short
from ._layers import called_of, layers, qualname_of
from ._secret import salt_of
from ._state import state_attributes, state_cells
from ._texts import attributes_of, contents, tells_all, text_of
from ._typing import TYPE_CHECKING
from ._wrappers import native_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CellType
    from typing import Any

#: The cell that methods have for ``super()``; the name of the function says the same.
_OWN_CLASS = "__class__"
_64_BITS = (1 << 64) - 1


class Identity:
    """A digest of the body and the cells of one function, as of the moment of a call.

    It is salted, since a function may close over a secret.
    """

    def __init__(self, core: _core.Cache, function: Callable[..., Any]) -> None:
        """Find the cells of ``function`` that take part, and those of the class body around it."""
        self._core, self._function = core, function
        self._closed_over = list(_closed_over(function))
        self._called = _called(function)
        self._around = around(function)
        #: The cells whose contents count.
        self.cells = [cell for _, cell in self._closed_over]

    @property
    def is_needed(self) -> bool:
        """Whether the name alone may not identify the function."""
        is_told = self._closed_over or self._called or self._around
        return bool(is_told) or has_no_name(self._function)

    def __call__(self) -> str:
        """Return the digest; "" if the name alone identifies the function."""
        parts = self._parts()
        return short("\n".join(parts), salt_of(self._core)) if parts else ""

    def number(self) -> int:
        """Return a number in place of the digest; it is valid in this process alone."""
        return hash(tuple(self._parts())) & _64_BITS

    def _parts(self) -> list[str]:
        closed_over = ((name, text_of(contents(cell))) for name, cell in self._closed_over)
        parts = [f"{name}={text}" for name, text in closed_over if text is not None]
        if has_no_name(self._function):
            parts.append(body_of(self._function))
        called = [text for text in map(_text_of_called, self._called) if text is not None]
        return parts + called + self._around


def likeness_of(function: Any) -> str | None:
    """Return a digest that functions share which keys cannot tell apart.

    None if keys tell ``function`` from all others.
    """
    if not _unknown(function):
        return None
    return short(f"{body_of(function)}\n{_texts(function)}", length=26)


def look_alike(one: Any, other: Any) -> bool:
    """Return whether functions of one likeness are two: they hold other objects."""
    return _unknown(one) != _unknown(other)


def _unknown(function: Any) -> list[int]:
    """Return the identities of the objects that it holds and that have no key."""
    return [id(value) for value in _held(function) if not tells_all(value)]


def _texts(function: Any) -> list[str | None]:
    closed_over = (contents(cell) for _, cell in _closed_over(function))
    return [*map(text_of, closed_over), *map(_text_of_called, _called(function))]


def _held(function: Any) -> list[Any]:
    return [contents(cell) for _, cell in _closed_over(function)] + _called(function)


def has_no_name(function: Any) -> bool:
    """Return whether several functions of a module may have this name: a lambda, or ``_``."""
    last = (qualname_of(function) or "").rpartition(".")[2]
    return last in ("<lambda>", "_")


def body_of(function: Any) -> str:
    """Return a text that identifies the bodies of ``function`` and of the decorators around it."""
    functions = (layer for layer in layers(function) if type(layer) is FunctionType)
    # The keys of a memoised function below identify it.
    codes = [each.__code__ for each in functions if native_of(each) is each]
    return "\n".join(map(body_text, codes))


def _called(function: Any) -> list[Any]:
    """Return the objects that act as decorators around the innermost function."""
    *outer, _ = layers(function)
    known = (FunctionType, MethodType, partial, _core.Memoised, type)
    return [layer for layer in outer if not issubclass(type(layer), known) and not _is_ours(layer)]


def _text_of_called(layer: Any) -> str | None:
    """Return the text of an object that is called, without what its calls set and change."""
    called = called_of(layer)
    state = set() if called is None else state_attributes(called.__code__)
    if not state:
        return text_of(layer)
    held = {name: value for name, value in attributes_of(layer).items() if name not in state}
    return f"{_core.class_name(type(layer))}({text_of(held)})"


def _is_ours(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "outlive"


def _closed_over(function: Any) -> Iterator[tuple[str, CellType]]:
    """Return the cells that are not the function's own state and hold none of the chain."""
    chain = list(layers(function))
    for part in chain:
        if type(part) is not FunctionType or part.__closure__ is None:
            continue
        state = state_cells(part.__code__) | {_OWN_CLASS}
        for name, cell in zip(part.__code__.co_freevars, part.__closure__, strict=True):
            if name not in state and not any(contents(cell) is link for link in chain):
                yield name, cell
