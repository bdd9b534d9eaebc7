"""Callables that users give as options: each gives its answer when it is called."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Marks the code of ``async def`` functions, with ``yield`` and without.
_SUSPENDS = 0x80 | 0x200


def answering(given: Any, option: str) -> Any:
    """Return the callable that was given for ``option``.

    Raises:
        TypeError: it is an ``async def`` function: what it returns is true, whatever it would say.
    """
    from ._layers import innermost  # not sooner: it imports inspect

    code = getattr(innermost(given), "__code__", None)
    if getattr(code, "co_flags", 0) & _SUSPENDS:
        raise TypeError(
            f"{option}= takes a callable that returns its answer, not an async def function, which "
            "returns a coroutine that nobody awaits"
        )
    return given
