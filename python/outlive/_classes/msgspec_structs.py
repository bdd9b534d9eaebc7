"""Structs of msgspec, by the names of their fields; ``__post_init__`` does not run."""

from __future__ import annotations

import sys
from typing import Any

from .._typing import TYPE_CHECKING
from .defaults import value_of
from .instances import Instances

if TYPE_CHECKING:
    from .defaults import Default


def family(cls: type) -> Instances | None:
    """Return how instances of ``cls`` are stored; None if it is no struct."""
    msgspec: Any = sys.modules["msgspec"]
    if not issubclass(cls, msgspec.Struct):
        return None
    config: Any = cls.__struct_config__  # type: ignore[attr-defined]
    fields = {field.name: _default(field, msgspec) for field in msgspec.structs.fields(cls)}
    return Instances(cls, fields, frozen=config.frozen, kind="struct")


def _default(field: Any, msgspec: Any) -> Default:
    if field.default_factory is not msgspec.NODEFAULT:
        factory: Default = field.default_factory
        return factory
    return None if field.default is msgspec.NODEFAULT else value_of(field.default)
