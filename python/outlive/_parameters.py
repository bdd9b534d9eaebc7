"""How a call's arguments meet the parameters of its function: counted, left out, or secret."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

from ._core import IGNORED, KEYED, SECRET
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    #: Name, kind (as ``inspect`` numbers them), role, whether there is a default, the default.
    Param = tuple[str, int, int, bool, Any]


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
