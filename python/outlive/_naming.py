"""The names of functions in keys."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable

from . import _core
from ._bound import bound_mark
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
    return main_name(main)


def leads_to(cls: type) -> bool:
    """Return whether the name of a class leads to it in every process."""
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls


def main_name(main: dict[str, Any]) -> str:
    """Return the name under which the module is imported that runs with the names ``main``."""
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


def own_name(function: Any) -> str:
    """Return ``module.qualname`` of ``function``, without what it binds.

    Raises:
        TypeError: ``function`` has no name.
    """
    qualname = qualname_of(function)
    if qualname is None:
        raise TypeError(f"{function!r} has no name of its own: give it one with name=...")
    module = module_name(without_partial(function))
    name = f"{module}.{qualname}" if module else qualname
    # A name that could be taken for more than a name is quoted.
    return name if _PLAIN.fullmatch(name) else _core.canonical(name)


def full_name(
    function: Callable[..., Any],
    name: str | None,
    version: object,
    left_out: frozenset[str] = frozenset(),
) -> str:
    """Return the text before the parenthesis of a key, with what the function binds.

    Args:
        function: The function, a partial or a bound method.
        name: What replaces ``module.qualname``.
        version: What tells one state of the function from another.
        left_out: Parameters whose values do not show.

    Raises:
        TypeError: ``name`` is no str, or ``function`` has no name and none is given.
        ValueError: ``name`` is empty or holds a character that keys reserve.
    """
    if name is None:
        base = own_name(function)
        base += bound_mark(function, base, left_out)
    elif not isinstance(name, str):
        raise TypeError(f"name= takes a str, not {type(name).__name__}")
    elif not name or any(character in _RESERVED for character in name):
        raise ValueError(f"name={name!r}: must not be empty or hold any of {_RESERVED}")
    else:
        base = name + bound_mark(function, name, left_out, is_named=True)
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
