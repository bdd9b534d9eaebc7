"""Named tuples, by the names of their fields."""

from __future__ import annotations

from typing import Any

from .. import _core
from .defaults import filled, value_of
from .instances import checked_dict
from .names import shown
from .problems import Mismatch, Refused


def family(cls: type) -> NamedTuples | None:
    """Return how instances of ``cls`` are stored; None if it is no named tuple."""
    fields = getattr(cls, "_fields", None)
    is_one = issubclass(cls, tuple) and isinstance(fields, tuple)
    return NamedTuples(cls, fields) if is_one and fields is not None else None


class NamedTuples:
    """The instances of one class of named tuples."""

    def __init__(self, cls: Any, fields: tuple[str, ...]) -> None:
        self.cls, self.fields = cls, fields
        self.defaults = {n: value_of(v) for n, v in cls._field_defaults.items()}
        # A subclass without __slots__ takes attributes: each caller has its own.
        self.shape = _core.Shape(cls, "tuple", frozen=cls.__dictoffset__ == 0)

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the items by name.

        Raises:
            Refused: a subclass gave the instance attributes of its own, or other items.
        """
        if getattr(value, "__dict__", None) or len(value) != len(self.fields):
            raise Refused(f"{shown(self.cls)} with attributes beside its fields")
        return dict(zip(self.fields, tuple.__iter__(value), strict=True))

    def load(self, payload: Any) -> Any:
        """Return the tuple."""
        given = checked_dict(payload)
        items = [
            given.pop(name) if name in given else filled(name, self.defaults.get(name))
            for name in self.fields
        ]
        if given:
            raise Mismatch(f"what is stored has {min(given)!r}, which is no field of it")
        return tuple.__new__(self.cls, items)
