"""Members of enumerations, by name; combined flags, by number."""

from __future__ import annotations

from enum import Enum, Flag
from typing import Any

from .. import _core
from .names import shown
from .problems import Mismatch, Refused


def family(cls: type) -> Members | None:
    """Return how members of ``cls`` are stored; None if it is no enumeration."""
    return Members(cls) if issubclass(cls, Enum) else None


class Members:
    """The members of one enumeration."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.shape = _core.Shape(cls, "shared")

    def dump(self, value: Any) -> Any:
        """Return the name of a member, or the number of combined flags that have no name.

        Raises:
            Refused: the class created a member that no later process has.
        """
        if self.cls._member_map_.get(value._name_) is value:
            return value._name_
        if not issubclass(self.cls, Flag):
            raise Refused(f"{shown(self.cls)}: {value!r} is none of its members")
        return value._value_

    def load(self, payload: Any) -> Any:
        """Return the member."""
        if type(payload) is str and payload in self.cls._member_map_:
            return self.cls._member_map_[payload]
        if type(payload) is int and issubclass(self.cls, Flag):
            return self.cls(payload)
        raise Mismatch(f"it has no member {payload!r}")
