"""Models of pydantic, with their hidden state; no validator runs.

Beside the fields a payload has ``$given`` (the fields that were set, if not all were), ``$extra``
and ``$private``.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from .._typing import TYPE_CHECKING
from .defaults import filled
from .instances import Instances, checked_dict, member
from .problems import Mismatch

if TYPE_CHECKING:
    from .defaults import Default

_GIVEN, _EXTRA, _PRIVATE = (
    "__pydantic_fields_set__",
    "__pydantic_extra__",
    "__pydantic_private__",
)


def family(cls: type) -> Models | None:
    """Return how instances of ``cls`` are stored; None if it is no model of pydantic 2."""
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    if not (isinstance(base, type) and issubclass(cls, base) and hasattr(base, _PRIVATE)):
        return None
    return Models(cls)


class Models(Instances):
    """The instances of one model."""

    def __init__(self, cls: Any) -> None:
        names = cls.__pydantic_fields__
        super().__init__(cls, {name: _default(field) for name, field in names.items()})
        self.fields: dict[str, Default]
        private = cls.__private_attributes__
        self._private: dict[str, Default] = {n: _default(a) for n, a in private.items()}
        hidden = {name: inspect.getattr_static(cls, name) for name in (_EXTRA, _PRIVATE)}
        self._fixed = {name for name, value in hidden.items() if value is None}
        self._takes_extra = cls.model_config.get("extra") == "allow"

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the payload."""
        state = self.state(value)
        given, extra = state.pop(_GIVEN, set()), state.pop(_EXTRA, None)
        private = state.pop(_PRIVATE, None) or {}
        payload = self.taken_apart(state)
        if given != self.fields.keys() - payload.get("$unset", ()):
            order = {name: place for place, name in enumerate([*self.fields, *(extra or ())])}
            payload["$given"] = sorted(given, key=lambda name: (order.get(name, len(order)), name))
        if extra or (extra is None) == self._takes_extra:
            payload["$extra"] = extra
        if private:
            payload["$private"] = private
        # Attributes that have a default and were deleted.
        gone = [name for name, default in self._private.items() if default and name not in private]
        if gone:
            payload["$unset"] = [*payload.get("$unset", ()), *gone]
        return payload

    def load(self, payload: Any) -> Any:
        """Return the model."""
        payload = checked_dict(payload)
        given = payload.pop("$given", None)
        extra = payload.pop("$extra", {} if self._takes_extra else None)
        private = checked_dict(payload.pop("$private", {}))
        if given is None:
            given = [name for name in self.fields if member(name) in payload]
        if type(given) is not list or not all(type(name) is str for name in given):
            raise Mismatch("what is stored does not say which fields were given")
        unset = payload.get("$unset", ())
        state = self.put_together(payload)
        for name in (_GIVEN, _EXTRA, _PRIVATE):
            if name in state:
                raise Mismatch(f"what is stored would hide its {name!r}")
        state[_GIVEN] = set(given)
        state[_EXTRA] = None if extra is None else checked_dict(extra)
        state[_PRIVATE] = self._hidden(private, unset)
        # A root model has class attributes in place of some of them.
        return self.made({n: v for n, v in state.items() if n not in self._fixed})

    def _hidden(self, stored: dict[str, Any], unset: Any) -> dict[str, Any] | None:
        """The private attributes: the stored ones, and defaults of those that are not stored."""
        if not self._private:
            if stored:
                raise Mismatch(f"what is stored has {min(stored)!r}, which is no attribute of it")
            return None
        unknown = stored.keys() - self._private.keys()
        if unknown:
            raise Mismatch(f"what is stored has {min(unknown)!r}, which is no attribute of it")
        known = {*stored, *unset}
        missing = {n: d for n, d in self._private.items() if n not in known and d is not None}
        return stored | {name: filled(name, default) for name, default in missing.items()}


def _default(field: Any) -> Default:
    """The default of a field or of a private attribute."""
    undefined = sys.modules["pydantic_core"].PydanticUndefined
    if field.default is undefined and field.default_factory is None:
        return None
    takes_data = getattr(field, "default_factory_takes_validated_data", False)
    if takes_data:
        return None
    if field.default_factory is not None:
        factory: Default = field.default_factory
        return factory
    made: Default = field.get_default
    return made
