"""Dataclasses, attrs classes and plain classes: objects by their attributes."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from .._typing import TYPE_CHECKING
from .defaults import value_of
from .instances import Instances

if TYPE_CHECKING:
    from .defaults import Default


def family(cls: type) -> Instances:
    """Return how instances of ``cls`` are stored."""
    if dataclasses.is_dataclass(cls):
        params = cls.__dict__.get("__dataclass_params__")
        frozen = bool(params and params.frozen)
        return Instances(cls, {f.name: _default(f) for f in dataclasses.fields(cls)}, frozen=frozen)
    attributes = getattr(cls, "__attrs_attrs__", None)
    if attributes is not None:
        # attrs puts its own __setattr__ into a frozen class.
        setter = getattr(cls, "__setattr__", None)
        frozen = "__attrs_attrs__" in cls.__dict__ and _is_frozen(setter)
        return Instances(cls, {a.name: _attrs_default(a) for a in attributes}, frozen=frozen)
    return Instances(cls, None)


def _default(field: dataclasses.Field[Any]) -> Default:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return None if field.default is dataclasses.MISSING else value_of(field.default)


def _is_frozen(setter: Any) -> bool:
    return getattr(setter, "__name__", "") == "_frozen_setattrs"


def _attrs_default(attribute: Any) -> Default:
    attr: Any = sys.modules["attr"]
    default = attribute.default
    if default is attr.NOTHING:
        return None
    if isinstance(default, attr.Factory):
        factory: Default = None if default.takes_self else default.factory
        return factory
    return value_of(default)
