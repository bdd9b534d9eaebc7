"""What functions are called in keys, and how a call's arguments meet their parameters."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable

from . import _core
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Param = tuple[str, int, int, bool, Any]

KEYED, IGNORED, SECRET = range(3)
_RESERVED = '()[]@"'
_PLAIN = re.compile(r"[^()\[\]@\"\x00-\x1f]+")


def module_name(function: Callable[..., Any]) -> str:
    """Return the name under which the module of ``function`` is imported, also while it runs.

    It serves for classes, too.
    """
    module = getattr(function, "__module__", None) or ""
    if module not in ("__main__", "__mp_main__"):  # the second in a process that was spawned
        return str(module)
    # What runpy runs is not what stands in sys.modules, so the function itself is asked first.
    main = getattr(inspect.unwrap(function), "__globals__", {})
    if main.get("__name__") != module:
        main = vars(sys.modules.get(module, object))
    spec, file = main.get("__spec__"), main.get("__file__")
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    return os.path.splitext(os.path.basename(file))[0] if file else "__main__"


def function_name(function: Callable[..., Any]) -> str:
    """Return ``module.qualname`` of ``function``, with what a partial or a bound method binds.

    Raises:
        TypeError: ``function`` has no name, or binds what has no key.
    """
    if isinstance(function, functools.partial):
        name = function_name(function.func)
        return f"{name}[{_bound_text(name, [list(function.args), function.keywords])}]"
    qualname = getattr(function, "__qualname__", None)
    if qualname is None:
        raise TypeError(f"{function!r} has no name of its own: give it one with name=...")
    module = module_name(function)
    name = f"{module}.{qualname}" if module else str(qualname)
    # A name that could be taken for more than a name stands between quotes.
    name = name if _PLAIN.fullmatch(name) else _core.canonical(name)
    instance = getattr(function, "__self__", None)
    if instance is None or inspect.ismodule(instance):
        return name
    return f"{name}[{_bound_text(name, instance)}]"


def _bound_text(name: str, bound: object) -> str:
    """The key text of what a function comes with."""
    try:
        return _core.canonical(bound)
    except TypeError as error:
        raise TypeError(
            f"{name} binds what has no key ({error}): name it with name=..., or give the class "
            "of what it binds a __memo_key__() method"
        ) from error


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
    return base + version_mark(version)


def version_mark(version: object) -> str:
    """Return what tells a version in a name; nothing for None.

    Raises:
        TypeError: ``version`` has no key.
    """
    if version is None:
        return ""
    try:
        return f"@{_core.canonical(version)}"
    except TypeError as error:
        raise TypeError(f"version= takes a number or a text, not {error}") from error


def body_mark(function: Callable[..., Any]) -> int:
    """Return a number that tells functions of one name apart: lambdas, and functions in functions.

    Any other name stands for one function at a time. The number depends on what the function does
    and not on its lines, so that it is the same when its module is loaded again. It holds for this
    process alone.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or "<" not in getattr(function, "__qualname__", ""):
        return 0
    constants = [c for c in code.co_consts if not inspect.iscode(c)]
    return hash((code.co_filename, code.co_code, code.co_names, *constants))


def _names(given: str | Iterable[str], option: str) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"{option}= takes a tuple of parameter names: {option}=({given!r},)")
    names = frozenset(given) if isinstance(given, Iterable) else frozenset([given])
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{option}= takes a tuple of parameter names, not {name!r}")
    return names


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
    for name in sorted(ignored & secrets):
        raise TypeError(f"{name} is named in both, ignore= and secret=: choose one")
    return [_parameter(parameter, ignored, secrets) for parameter in found]


def _parameter(
    parameter: inspect.Parameter, ignored: frozenset[str], secrets: frozenset[str]
) -> Param:
    role = IGNORED if parameter.name in ignored else KEYED
    role = SECRET if parameter.name in secrets else role
    has_default = parameter.default is not inspect.Parameter.empty
    default = parameter.default if has_default else None
    return parameter.name, int(parameter.kind), role, has_default, default
