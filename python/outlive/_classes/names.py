"""The names of classes in a file: ``module:Qualname``."""

from __future__ import annotations

from .. import _naming
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def name_of(cls: type) -> str:
    """Return ``module:Qualname``; of a generic pydantic model with its arguments in full."""
    module = _naming.module_name(cls)
    generic = cls.__dict__.get("__pydantic_generic_metadata__") or {}
    origin, args = generic.get("origin"), generic.get("args")
    if origin is not None and args:
        # Two modules may each have a class of this name; pydantic's own name has no module.
        return f"{name_of(origin)}[{', '.join(map(_argument, args))}]"
    return f"{module}:{cls.__qualname__}"


def _argument(argument: Any) -> str:
    if isinstance(argument, type) and not hasattr(argument, "__args__"):
        return name_of(argument).removeprefix("builtins:")
    return repr(argument)


def shown(cls: type) -> str:
    """Return the class's name for messages: without the module for built-in types."""
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"
