"""Instances by their attributes: taken apart and put together without any code of their class."""

from __future__ import annotations

import inspect
import types

from .. import _core
from .._typing import TYPE_CHECKING
from .defaults import filled
from .names import shown
from .problems import Mismatch, Refused
from .refusals import register

if TYPE_CHECKING:
    from typing import Any

    from .defaults import Default

#: Slots that are no state.
_NO_STATE = ("__weakref__", "__dict__")
#: Where attrs keeps a hash, which is another one in every process.
_HASH = "_attrs_cached_hash"


class Instances:
    """The instances of one class, by its declared fields if it has any."""

    def __init__(
        self,
        cls: type,
        fields: dict[str, Default] | None,
        *,
        frozen: bool = False,
        kind: str = "object",
    ) -> None:
        """Look at the class.

        Raises:
            Refused: instances have state that no attribute shows.
        """
        self.cls = cls
        self.fields = fields
        self._slots = slots_of(cls)
        self._keeps_hash = _keeps_hash(cls)
        self._dict = _dict_of(cls)
        if kind == "object" and _has_more(cls, len(self._slots)):
            raise Refused(shown(cls))
        try:
            self.shape = _core.Shape(
                cls,
                kind,
                # A value that a property keeps may be changed by its readers.
                frozen=frozen and not _keeps_properties(cls),
                dict=self._dict,
                slots=list(self._slots.values()),
            )
        except TypeError:  # the interpreter cannot make instances without the class's own code
            raise Refused(shown(cls)) from None
        self._free: set[str] = set()

    def state(self, value: object) -> dict[str, Any]:
        """Return the attributes of ``value`` itself."""
        slots = zip(self._slots, self.shape.slots(value), strict=True)
        state = {name: held[0] for name, held in slots if held is not None}
        state.update(self.shape.dict(value) or ())
        # A generic alias leaves this there; it says nothing about the value.
        state.pop("__orig_class__", None)
        state.pop(_HASH, None)
        return state

    def dump(self, value: object) -> dict[str, Any]:
        """Return the payload: fields by name, and what else the instance holds."""
        return self.taken_apart(self.state(value))

    def taken_apart(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of an instance with the attributes ``state``, which is emptied."""
        fields = [name for name in state if name[:1] != "$"] if self.fields is None else self.fields
        unset = [name for name in fields if name not in state]
        payload = {member(name): state.pop(name) for name in fields if name in state}
        if unset:
            payload["$unset"] = unset
        for name in (*state, *(payload if self.fields is None else ())):
            try:
                self._check(name)
            except Mismatch as hidden:
                raise Refused(f"{shown(self.cls)}: {hidden}", register(self.cls)) from None
        if state:
            payload["$attributes"] = state
        return payload

    def load(self, payload: Any) -> Any:
        """Return the instance that was taken apart into ``payload``.

        Raises:
            Mismatch: the class has changed, or the payload does not come from such an instance.
        """
        return self.made(self.put_together(checked_dict(payload)))

    def put_together(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes that ``payload`` holds, which is emptied."""
        more = checked_dict(payload.pop("$attributes", {}))
        unset = payload.pop("$unset", ())
        if self.fields is None:
            more.update(payload)
            state = {}
        else:
            members = {name: member(name) for name in self.fields}
            state = {
                name: payload.pop(members[name])
                if members[name] in payload
                else filled(name, default)
                for name, default in self.fields.items()
                if members[name] in payload or name not in unset
            }
            if payload:
                raise Mismatch(f"what is stored has {min(payload)!r}, which is no field of it")
        for name in more:
            self._check(name)
        return state | more

    def made(self, state: dict[str, Any]) -> Any:
        """Return an instance with these attributes."""
        if self._keeps_hash:
            state[_HASH] = None
        slots = [(state.pop(name),) if name in state else None for name in self._slots]
        if state and self._dict is None:
            raise Mismatch(f"it has no attribute {min(state)!r}")
        return self.shape.make(state if self._dict is not None else None, slots)

    def _check(self, name: str) -> None:
        """Raise ``Mismatch`` if no genuine instance has an attribute of its own with this name.

        An attribute that hides a method or a property would run in its place.
        """
        if name in self._free:
            return
        found = inspect.getattr_static(self.cls, name, None)
        is_default = not (callable(found) or hasattr(type(found), "__get__"))
        is_own = is_default or name in self._slots or is_cached_property(found)
        if not is_own or (name.startswith("__") and name.endswith("__")):
            raise Mismatch(f"an attribute would hide its {name!r}")
        self._free.add(name)


def member(name: str) -> str:
    """Return a field's name in a payload, where ``$given`` and such are hidden state."""
    return "$" + name if name[:1] == "$" else name


def _keeps_hash(cls: type) -> bool:
    """Return whether attrs gave the class a hash that is cached in the instance."""
    code = getattr(cls.__hash__, "__code__", None)
    return code is not None and _HASH in code.co_names


def _keeps_properties(cls: type) -> bool:
    return any(map(is_cached_property, (v for base in cls.__mro__ for v in vars(base).values())))


def is_cached_property(found: object) -> bool:
    """Return whether a class attribute stores what it computes in the instance."""
    return type(found).__name__ == "cached_property"


def checked_dict(payload: Any) -> dict[str, Any]:
    """Return ``payload`` if it is a dict with str keys.

    Raises:
        Mismatch: it is not.
    """
    if type(payload) is not dict or not all(type(name) is str for name in payload):
        raise Mismatch("what is stored has no fields")
    return payload


def slots_of(cls: type) -> dict[str, Any]:
    """Return the descriptors of all slots of a class that hold state, bases first.

    Raises:
        Refused: two classes have a slot of the same name, so that an instance holds both.
    """
    slots: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, found in base.__dict__.items():
            if type(found) is types.MemberDescriptorType and name not in _NO_STATE:
                if name in slots:
                    raise Refused(shown(cls))
                slots[name] = found
    return slots


def _dict_of(cls: type) -> Any:
    """Return the descriptor of ``__dict__``, even if a class of the user hides it."""
    for base in cls.__mro__:
        found = base.__dict__.get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            return found
    return None


def _has_more(cls: type, slots: int) -> bool:
    """Return whether instances hold more than slots, a ``__dict__`` and weak references."""
    pointer = tuple.__itemsize__
    known = slots + (cls.__dictoffset__ > 0) + (cls.__weakrefoffset__ > 0)
    return cls.__itemsize__ != 0 or cls.__basicsize__ > object.__basicsize__ + known * pointer
