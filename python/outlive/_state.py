"""What code changes itself: such values are its state, and no part of what it is.

A small simulation of the interpreter's stack follows global names, cells and attributes to the
instructions that change them: ``LOG.append(x)``, ``STATS["n"] += 1``, ``self.seen.clear()``.
"""

from __future__ import annotations

import dis
import functools
from types import CodeType
from typing import NamedTuple

from ._code import nested_code, steps_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")
_CELLS = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
#: Methods that change the object that they are called on.
_CHANGES = frozenset(
    [
        "append",
        "add",
        "extend",
        "insert",
        "update",
        "subtract",
        "setdefault",
        "pop",
        "popitem",
        "popleft",
        "appendleft",
        "extendleft",
        "remove",
        "discard",
        "clear",
        "sort",
        "reverse",
    ]
)
#: Instructions that change what stands in a container, by how far below the top it stands.
_MEMBERS = {"STORE_SUBSCR": 2, "DELETE_SUBSCR": 2, "STORE_SLICE": 3}
#: The instructions that move what is on the stack: for each place from the top down, what it held.
_MOVES = {
    "DUP_TOP": (1, 1),
    "DUP_TOP_TWO": (1, 2, 1, 2),
    "ROT_TWO": (2, 1),
    "ROT_THREE": (2, 3, 1),
    "ROT_FOUR": (2, 3, 4, 1),
}


class Place(NamedTuple):
    """A value by where code finds it: as a global, in a cell, or as an attribute of anything."""

    kind: str
    name: str
    #: The attribute of it, if the value is one.
    member: str | None = None

    def of(self, member: str) -> Place:
        """Return the place of an attribute."""
        return Place(self.kind, self.name, member)


def state_cells(code: CodeType) -> set[str]:
    """Name the cells that ``code`` changes itself."""
    return {
        place.name
        for inner in nested_code(code)
        for place in _changed(inner)
        if place.kind == "cell" and place.member is None and place.name in inner.co_freevars
    }


def state_attributes(code: CodeType) -> set[str]:
    """Name the attributes that ``code`` sets or changes itself, of whatever object."""
    places = [place for inner in nested_code(code) for place in _changed(inner)]
    names = {place.member or place.name for place in places if place.kind == "attribute"}
    return names | {place.member for place in places if place.member is not None}


def state_globals(code: CodeType) -> set[tuple[str, str | None]]:
    """Name the globals that ``code`` sets or changes itself, and the attributes of globals."""
    places = [place for inner in nested_code(code) for place in _changed(inner)]
    return {(place.name, place.member) for place in places if place.kind == "global"}


@functools.lru_cache(maxsize=1024)
def _changed(code: CodeType) -> frozenset[Place]:
    return frozenset(_Stack(code).changed())


class _Stack:
    """The places that the values on the stack come from, as far as they are known."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._places: list[Place | None] = []

    def changed(self) -> Iterator[Place]:
        """Yield each place whose value an instruction changes."""
        for step in steps_of(self._code):
            changed = self._changed_by(step)
            if changed is not None:
                yield changed
            self._follow(step)

    def _changed_by(self, step: dis.Instruction) -> Place | None:
        name = step.opname
        if name in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return Place("global", step.argval)
        if name in ("STORE_DEREF", "DELETE_DEREF"):
            return Place("cell", step.argval)
        if name in ("STORE_ATTR", "DELETE_ATTR"):
            return self._attribute(step)
        if name in _MEMBERS:
            return self._at(_MEMBERS[name])
        return self._at(1) if name in _ATTRIBUTES and step.argval in _CHANGES else None

    def _attribute(self, step: dis.Instruction) -> Place:
        of = self._at(1)
        return Place("attribute", step.argval) if of is None else of.of(step.argval)

    def _follow(self, step: dis.Instruction) -> None:
        """Do to the places what ``step`` does to the values."""
        name, effect = step.opname, dis.stack_effect(step.opcode, step.arg, jump=False)
        if name in _MOVES:
            self._move(_MOVES[name])
        elif name == "COPY":
            self._places.append(self._at(step.arg or 1))
        elif name == "SWAP":
            depth = step.arg or 1
            self._move((depth, *range(2, depth), 1))
        elif name in _GLOBALS:
            self._replace(0, Place("global", step.argval), effect - 1)
        elif name in _CELLS:
            self._replace(0, Place("cell", step.argval), effect - 1)
        elif name in _ATTRIBUTES:
            self._replace(1, self._attribute(step), effect)
        elif name == "BINARY_SUBSCR" or (name == "BINARY_OP" and step.argrepr == "[]"):
            self._replace(2, self._at(2), 0)  # a member of what is found there
        elif effect > 0:
            self._places += [None] * effect
        elif name.startswith(("STORE_", "DELETE_", "POP_", "RETURN_")):
            self._drop(-effect)
        else:
            self._replace(1 - effect, None, 0)

    def _at(self, depth: int) -> Place | None:
        """The place of the value so far from the top, which is 1."""
        return self._places[-depth] if 0 < depth <= len(self._places) else None

    def _move(self, held: tuple[int, ...]) -> None:
        moved = [self._at(depth) for depth in held]
        self._drop(max(held))
        self._places += reversed(moved)

    def _replace(self, count: int, by: Place | None, beside: int) -> None:
        """Put one place on the stack instead of ``count``, and unknown ones ``beside`` it."""
        self._drop(count)
        self._places += [by, *[None] * beside]

    def _drop(self, count: int) -> None:
        if count > 0:
            del self._places[-count:]
