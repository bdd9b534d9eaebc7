"""The value of a field that is not stored: it was added to the class later, with a default."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .problems import Mismatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Default = Callable[[], Any] | None


def value_of(value: Any) -> Default:
    """Return a default that is ``value`` for all instances."""
    return lambda: value


def filled(name: str, default: Default) -> Any:
    """Return the default of the field ``name``.

    Raises:
        Mismatch: it has none.
    """
    if default is None:
        raise Mismatch(f"its field {name!r} is not among what is stored, and has no default")
    return default()
