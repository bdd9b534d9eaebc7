"""Classes that every function may return: the standard library's, and arrays and frames.

A file chooses among them and nothing else; a library's classes are available only where the program
has imported the library.
"""

from __future__ import annotations

from typing import Any

from . import arrays, frames, standard

_GROUPS: tuple[Any, ...] = (standard, arrays, frames)


def named(name: str) -> Any:
    """Return the kind of the name ``name`` in files, None if there is none."""
    for group in _GROUPS:
        kind = group.named(name)
        if kind is not None:
            return kind
    return None


def name_of(cls: type) -> str | None:
    """Return the name of ``cls`` in files; None if it is not one of these."""
    for group in _GROUPS:
        name: str | None = group.name_of(cls)
        if name is not None:
            return name
    return None


def family(cls: type) -> Any:
    """Return how instances of ``cls`` are stored; None if it is not one of these."""
    name = name_of(cls)
    return None if name is None else named(name)
