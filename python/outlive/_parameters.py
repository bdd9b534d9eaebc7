"""How a call's arguments meet the parameters of its function: counted, left out, or secret."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FunctionType

from ._bound import hidden_names
from ._core import IGNORED, IGNORED_BY_NAME, KEYED, SECRET, SECRET_BY_NAME
from ._layers import has_any_attribute
from ._typing import TYPE_CHECKING
from ._wrappers import hands_on, without_caches, without_partials

if TYPE_CHECKING:
    from typing import Any

    from ._identity import Identity

    #: Name, kind (as ``inspect`` numbers them), role, whether there is a default, the default.
    Param = tuple[str, int, int, bool, Any]


def names_of(given: str | Iterable[str], option: str) -> frozenset[str]:
    """Return the parameters that ``ignore=`` or ``secret=`` names.

    Raises:
        TypeError: it is no tuple of str.
    """
    if isinstance(given, str):
        raise TypeError(f"{option}= takes a tuple of parameter names: {option}=({given!r},)")
    names = frozenset(given) if isinstance(given, Iterable) else frozenset([given])
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{option}= takes a tuple of parameter names, not {name!r}")
    return names


@dataclass
class KeyRules:
    """The rules for the keys of one function, as the native half takes them."""

    #: ``module.qualname`` or what ``name=`` says, with the version.
    name: str
    #: The same for a key that is one value: empty in the drop-in's file, where functions share.
    value_name: str
    #: Whether plain strings are their own keys.
    flat: bool
    #: "first", "all" or a callable of the arguments.
    rule: str | Callable[..., Any]
    digest: Callable[[str, bytes], str] | None
    identity: Identity | None
    #: What tells another answer to each call from the first.
    sample: str | None = None
    params: list[Param] = field(default_factory=list)
    #: What ``ignore=`` names that is no parameter: ``**kwargs`` takes it.
    ignored_keywords: list[str] = field(default_factory=list)
    #: Whether the parameters are those of a function below a wrapper.
    is_wrapped: bool = False

    def read(
        self, function: Callable[..., Any], ignore: Iterable[str], secret: Iterable[str]
    ) -> None:
        """Take the parameters from the signature of ``function``.

        Raises:
            TypeError: ``ignore`` or ``secret`` names a parameter that does not exist.
        """
        ignored, secrets = names_of(ignore, "ignore"), names_of(secret, "secret")
        hidden = hidden_names(function) if ignored or secrets else frozenset()
        for name in sorted(hidden & secrets):
            raise TypeError(
                f"secret= names {name!r}, which the function binds already, so that its key would "
                "show it: bind it by the name of a parameter, or pass it in each call"
            )
        ignored -= hidden  # the name leaves it out
        found, own = _signatures(function)
        names = [parameter.name for parameter in found]
        takes_any = any(parameter.kind == parameter.VAR_KEYWORD for parameter in found)
        for option, given in (("ignore", ignored), ("secret", secrets)):
            for name in sorted(given - set(names)):
                if takes_any and option == "ignore":
                    self.ignored_keywords.append(name)
                    continue
                known = ", ".join(names) or "none"
                raise TypeError(
                    f"{option}= names {name!r}, which is no parameter (there are: {known})"
                )
        for name in sorted(ignored & secrets):
            raise TypeError(f"{name} is named in both, ignore= and secret=: choose one")
        self.is_wrapped = own is not None
        # The first argument of a method is its instance, whatever is in between.
        known_names = set(names) if own is None or self.rule == "first" else {*own, *_SELF}
        roles = {name: SECRET if name in known_names else SECRET_BY_NAME for name in secrets}
        roles |= {name: IGNORED if name in known_names else IGNORED_BY_NAME for name in ignored}
        self.params = [_parameter(parameter, roles) for parameter in found]
        self._refuse_idle_secrets(roles)

    def _refuse_idle_secrets(self, roles: dict[str, int]) -> None:
        """Refuse ``secret=`` where the key is the first argument alone, and that is another one."""
        if self.rule != "first":
            return
        first = next((param for param in self.params if param[2] != IGNORED), None)
        for name, role in roles.items():
            if role == SECRET and (first is None or name != first[0]):
                raise TypeError(
                    f"secret=({name!r},) does nothing where only the first argument is the key, so "
                    f'calls with another {name} would share results; use key="all"'
                )


#: What the first parameter of a method is called.
_SELF = frozenset({"self", "cls"})


def _signatures(
    function: Callable[..., Any],
) -> tuple[list[inspect.Parameter], frozenset[str] | None]:
    """The parameters by which calls are bound, and the names that a wrapper around them declares.

    The second is None without a wrapper, and below one that passes all arguments on. A call is
    bound to the parameters of a wrapper that declares all of them.
    """
    function = without_caches(function)
    kinds = inspect.Parameter
    found = _shown(function)
    if found is None:
        return [kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)], None
    if not _is_wrapped(function) or hands_on(function):
        return found, None
    own = _own_parameters(function)
    if own is None:
        return found, frozenset()
    if not any(each.kind in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD) for each in own):
        return own, None
    return found, frozenset(each.name for each in own)


def _shown(function: Any) -> list[inspect.Parameter] | None:
    """The parameters that ``inspect`` shows; None if there is no telling."""
    if has_any_attribute(function):  # a server's proxy would ask the server for its signature
        return None
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C do not tell
        return None


def _is_wrapped(function: Any) -> bool:
    """Return whether the signature shown is not the function's own."""
    inner = without_partials(function)
    return hasattr(inner, "__wrapped__") or hasattr(inner, "__signature__")


def _own_parameters(function: Any) -> list[inspect.Parameter] | None:
    """The parameters of the outermost wrapper; None if they are unknown."""
    inner = getattr(function, "__func__", function)
    if type(inner) is not FunctionType:  # a proxy may show the code of what it wraps
        return None
    # A plain function with the same code shows what the code takes.
    bare = FunctionType(inner.__code__, {}, None, inner.__defaults__, inner.__closure__)
    bare.__kwdefaults__ = inner.__kwdefaults__
    own = list(inspect.signature(bare).parameters.values())
    return own[1:] if inner is not function else own


def _parameter(parameter: inspect.Parameter, roles: dict[str, int]) -> Param:
    role = roles.get(parameter.name, KEYED)
    has_default = parameter.default is not inspect.Parameter.empty
    default = parameter.default if has_default else None
    return parameter.name, int(parameter.kind), role, has_default, default
