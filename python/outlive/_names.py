"""What functions are called in keys, and how a call's arguments meet their parameters."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from . import _core

Param = tuple[str, int, int, bool, Any]
KEYED, IGNORED, SECRET = range(3)
_RESERVED = "()[]@"


def module_name(module: str) -> str:
    """Return the name under which ``module`` is imported, also while it runs as a script."""
    if module != "__main__":
        return module
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else module


def function_name(function: Callable[..., Any]) -> str:
    """Return ``module.qualname`` of ``function``, with the bound arguments of a partial.

    Raises:
        TypeError: ``function`` has no name.
    """
    if isinstance(function, functools.partial):
        bound = _core.canonical([list(function.args), function.keywords])
        return f"{function_name(function.func)}[{bound}]"
    qualname = getattr(function, "__qualname__", None)
    if qualname is None:
        raise TypeError(f"{function!r} has no name of its own: give it one with name=...")
    return f"{module_name(getattr(function, '__module__', None) or '')}.{qualname}"


def full_name(function: Callable[..., Any], name: str | None, version: object) -> str:
    """Return what stands before the parenthesis of a key.

    Raises:
        TypeError: ``name`` is no text, or ``function`` has no name and none is given.
        ValueError: ``name`` is empty or holds a character that keys need for themselves.
    """
    if name is None:
        base = function_name(function)
    elif not isinstance(name, str):
        raise TypeError(f"name= takes a text, not {type(name).__name__}")
    elif not name or any(character in _RESERVED for character in name):
        raise ValueError(f"name={name!r}: must not be empty or hold any of {_RESERVED}")
    else:
        base = name
    return base if version is None else f"{base}@{_core.canonical(version)}"


def _names(given: str | Iterable[str], option: str) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"{option}= takes a tuple of parameter names: {option}=({given!r},)")
    return frozenset(given)


def parameters(
    function: Callable[..., Any], ignore: Iterable[str], secret: Iterable[str]
) -> list[Param]:
    """Return the parameters of ``function`` as the core takes them.

    Raises:
        TypeError: ``ignore`` or ``secret`` names a parameter that there is not.
    """
    ignored, secrets = _names(ignore, "ignore"), _names(secret, "secret")
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C do not tell
        kinds = inspect.Parameter
        found = [kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)]
    names = [parameter.name for parameter in found]
    for option, given in (("ignore", ignored), ("secret", secrets)):
        for name in sorted(given - set(names)):
            known = ", ".join(names) or "none"
            raise TypeError(f"{option}= names {name!r}, which is no parameter (there are: {known})")
    return [_parameter(parameter, ignored, secrets) for parameter in found]


def _parameter(
    parameter: inspect.Parameter, ignored: frozenset[str], secrets: frozenset[str]
) -> Param:
    role = IGNORED if parameter.name in ignored else KEYED
    role = SECRET if parameter.name in secrets else role
    has_default = parameter.default is not inspect.Parameter.empty
    default = parameter.default if has_default else None
    return parameter.name, int(parameter.kind), role, has_default, default
