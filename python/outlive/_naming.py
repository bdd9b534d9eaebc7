"""The names of functions in keys."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from collections.abc import Callable

from . import _core
from ._code import code_of
from ._layers import innermost, qualname_of, without_partial
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_RESERVED = '()[]@"'
_PLAIN = re.compile(r"[^()\[\]@\"\x00-\x1f]+")


def module_name(function: Callable[..., Any]) -> str:
    """Return the name under which the module of ``function`` is imported, even if it is run.

    It works for classes, too.
    """
    module = getattr(function, "__module__", None) or ""
    if module not in ("__main__", "__mp_main__"):  # the second in a process that was spawned
        return str(module)
    # A module run by runpy is not the one in sys.modules, so the function itself is asked first.
    main = getattr(innermost(function), "__globals__", {})
    if main.get("__name__") != module:
        main = vars(sys.modules.get(module, object))
    spec, file = main.get("__spec__"), main.get("__file__")
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    return _module_of_file(os.path.abspath(file)) if file else "__main__"


def _module_of_file(file: str) -> str:
    """The name under which the module in ``file`` is imported: with its packages, as by ``-m``."""
    folder, name = os.path.split(os.path.splitext(file)[0])
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        name = f"{package}.{name}"
    return name


def full_name_of(named: Any) -> str:
    """Return ``module.qualname`` of a function or class, without what it binds."""
    return f"{module_name(named)}.{named.__qualname__}"


def function_name(function: Callable[..., Any]) -> str:
    """Return ``module.qualname`` of ``function``, with what a partial or a bound method binds.

    Raises:
        TypeError: ``function`` has no name, or binds what has no key.
    """
    name = _own_name(function)
    return name + _bound_mark(function, name)


def _own_name(function: Any) -> str:
    """``module.qualname``, without what it binds."""
    qualname = qualname_of(function)
    if qualname is None:
        raise TypeError(f"{function!r} has no name of its own: give it one with name=...")
    module = module_name(without_partial(function))
    name = f"{module}.{qualname}" if module else qualname
    # A name that could be taken for more than a name is quoted.
    return name if _PLAIN.fullmatch(name) else _core.canonical(name)


def _bound_mark(function: Any, name: str, *, is_named: bool = False) -> str:
    """The arguments that a partial or a bound method binds, in brackets; "" for other functions."""
    if isinstance(function, functools.partial):
        inner = _bound_mark(function.func, name, is_named=is_named)
        look = _as_told if is_named else _as_is
        args = [look(value) for value in function.args]
        keywords = {key: look(value) for key, value in function.keywords.items()}
        return f"{inner}[{_bound_text(name, [args, keywords])}]"
    instance = bound_to(function)
    # An instance without a key is identified by name= alone: the user knows it.
    if instance is None or (is_named and not has_key(instance)):
        return ""
    return f"[{_bound_text(name, instance)}]"


def _as_is(value: Any) -> Any:
    return value


def _as_told(value: Any) -> Any:
    """Return ``value`` if it has a key, else the name of its class."""
    return value if has_key(value) else _core.class_name(type(value))


def unkeyed(function: Any) -> list[int]:
    """Return the identities of what ``function`` binds and has no key."""
    bound: list[Any] = []
    while isinstance(function, functools.partial):
        bound += [*function.args, *function.keywords.values()]
        function = function.func
    instance = bound_to(function)
    if instance is not None:
        bound.append(instance)
    return [id(value) for value in bound if not has_key(value)]


def bound_to(function: Any) -> Any:
    """Return what ``function`` is a method of: also an object that is called, and has no name."""
    instance = getattr(function, "__self__", None)
    if instance is not None:
        return None if inspect.ismodule(instance) else instance
    is_object = not isinstance(function, functools.partial) and qualname_of(function) is None
    return function if is_object else None


def has_key(instance: object) -> bool:
    """Return whether the class of a method's instance says how instances are told apart."""
    try:
        _core.canonical(instance)
    except Exception:  # code of the user's, such as a __memo_key__, may raise anything
        return False
    return True


def _bound_text(name: str, bound: object) -> str:
    """The key text of what is bound."""
    try:
        return _core.canonical(bound)
    except TypeError as error:
        raise TypeError(
            f"{name} binds what has no key ({error}): name it with name=..., or give the class "
            "of what it binds a __memo_key__() method"
        ) from error


def full_name(function: Callable[..., Any], name: str | None, version: object) -> str:
    """Return the text before the parenthesis of a key.

    Raises:
        TypeError: ``name`` is no str, or ``function`` has no name and none is given.
        ValueError: ``name`` is empty or holds a character that keys reserve.
    """
    if name is None:
        base = function_name(function)
    elif not isinstance(name, str):
        raise TypeError(f"name= takes a str, not {type(name).__name__}")
    elif not name or any(character in _RESERVED for character in name):
        raise ValueError(f"name={name!r}: must not be empty or hold any of {_RESERVED}")
    else:
        base = name + _bound_mark(function, name, is_named=True)
    return base + version_mark(version)


def version_mark(version: object) -> str:
    """Return the mark of a version in a name; "" for None.

    Raises:
        TypeError: ``version`` has no key.
    """
    if version is None:
        return ""
    try:
        return f"@{_core.canonical(version)}"
    except TypeError as error:
        raise TypeError(f"version= takes a number or a str, not {error}") from error


def sample_mark(index: int) -> str | None:
    """Return the mark that tells the answers to one call apart; None for the first.

    The bracket at its end keeps the mark of the first from being a prefix of the twelfth's.
    """
    return f"sample[{index}]" if index else None


def body_mark(function: Callable[..., Any]) -> int:
    """Return a number that tells functions of one name apart: lambdas, and functions in functions.

    Any other name belongs to one function at a time. The number depends on what the function does
    and not on its lines, so that it stays the same when its module is loaded again. It is valid in
    this process alone.
    """
    code = code_of(function)
    if code is None or "<" not in (qualname_of(function) or ""):
        return 0
    constants = [c for c in code.co_consts if not inspect.iscode(c)]
    return hash((code.co_filename, code.co_code, code.co_names, *constants))
