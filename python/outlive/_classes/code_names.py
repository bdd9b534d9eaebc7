"""The data classes that the code of a function names, beside its annotation.

Only data classes: a body that uses ``tempfile`` or ``subprocess`` allows none of their classes.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
from enum import Enum
from typing import Any

from .._typing import TYPE_CHECKING
from .annotations import innermost, names_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def data_classes(function: Any) -> list[type]:
    """Return the data classes that the code of ``function`` names."""
    inner = innermost(function)
    code = getattr(inner, "__code__", None)
    if code is None:
        return []
    known = names_of(inner)
    names = set(_names(code))
    found = []
    for name in names:
        value = known.get(name)
        if inspect.ismodule(value):
            attributes = vars(value)
            found += [attributes[other] for other in names if other in attributes]
        else:
            found.append(value)
    return [cls for cls in found if isinstance(cls, type) and is_data_class(cls)]


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def is_data_class(cls: type) -> bool:
    """Return whether instances of ``cls`` are made to hold data."""
    if dataclasses.is_dataclass(cls) or hasattr(cls, "__attrs_attrs__"):
        return True
    if issubclass(cls, Enum) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        return True
    return is_model(cls)


def is_model(cls: type) -> bool:
    """Return whether ``cls`` is a model of pydantic or a struct of msgspec."""
    return any(issubclass(cls, base) for base in model_bases())


def model_bases() -> list[type]:
    """Return the base classes of all models and structs, as far as they are imported."""
    kinds = [("pydantic.main", "BaseModel"), ("msgspec", "Struct")]
    bases = [getattr(sys.modules.get(module), name, None) for module, name in kinds]
    return [base for base in bases if isinstance(base, type)]
