"""Tells functions of one name apart by their bodies and by what they close over."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType

from . import _core
from ._code import body_text, state_cells
from ._digest import short
from ._secret import salt_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CellType
    from typing import Any

#: The cell that methods have for ``super()``; the name of the function says the same.
_OWN_CLASS = "__class__"


class Identity:
    """A digest of the body and the cells of one function, as of the moment of a call.

    It is salted, since a function may close over a secret.
    """

    def __init__(self, core: _core.Cache, function: Callable[..., Any]) -> None:
        """Find the cells of ``function`` that count."""
        self._core, self._function = core, function
        self._closed_over = list(_closed_over(function))
        #: The cells whose contents count.
        self.cells = [cell for _, cell in self._closed_over]

    @property
    def is_needed(self) -> bool:
        """Whether the name alone may not identify the function."""
        return bool(self._closed_over) or has_no_name(self._function)

    def __call__(self) -> str:
        """Return the digest; "" if the name alone identifies the function."""
        parts = [
            f"{name}={text}"
            for name, cell in self._closed_over
            if (text := _cell_text(cell)) is not None
        ]
        if has_no_name(self._function):
            parts.append(body_of(self._function))
        return short("\n".join(parts), salt_of(self._core)) if parts else ""


def has_no_name(function: Any) -> bool:
    """Return whether several functions of a module may have this name: a lambda, or ``_``."""
    last = getattr(function, "__qualname__", "").rpartition(".")[2]
    return last in ("<lambda>", "_")


def body_of(function: Any) -> str:
    """Return a text that identifies the body of ``function``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "" if code is None else body_text(code)


def _chain(function: Any) -> Iterator[Any]:
    """Yield the function, and those below it that ``functools.wraps`` noted."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        # The keys of a memoised function below identify it.
        yield getattr(function, "__func__", function)
        function = getattr(function, "__dict__", {}).get("__wrapped__")


def _closed_over(function: Any) -> Iterator[tuple[str, CellType]]:
    """Return the cells that are not the function's own state and hold none of the chain."""
    chain = list(_chain(function))
    for part in chain:
        if not isinstance(part, FunctionType) or part.__closure__ is None:
            continue
        state = state_cells(part.__code__) | {_OWN_CLASS}
        for name, cell in zip(part.__code__.co_freevars, part.__closure__, strict=True):
            if name not in state and not any(contents(cell) is link for link in chain):
                yield name, cell


def contents(cell: CellType) -> Any:
    """Return the contents of ``cell``, None if it is still empty."""
    try:
        return cell.cell_contents
    except ValueError:  # it is set later
        return None


def _cell_text(cell: CellType) -> str | None:
    """Return the key text of a cell's contents; None for a client, a session or a lock."""
    held = contents(cell)
    if isinstance(held, ModuleType):
        return held.__name__
    try:
        return _core.canonical(held)
    except Exception:  # code of the user's, such as a __memo_key__, may raise anything
        return None
