"""What partials and bound methods bind, as far as it is part of a function's name."""

from __future__ import annotations

import functools
import inspect
from types import MethodType

from . import _core
from ._layers import qualname_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def bound_mark(
    function: Any, name: str, left_out: frozenset[str], *, is_named: bool = False
) -> str:
    """Return the arguments that a partial or a bound method binds, in brackets; "" without any.

    Args:
        function: The function.
        name: Its name, for messages.
        left_out: Parameters that do not count, or whose values must not be read in a key.
        is_named: Whether ``name=`` tells the function from others: then what has no key is skipped.

    Raises:
        TypeError: what is bound has no key.
    """
    if isinstance(function, functools.partial):
        inner = bound_mark(function.func, name, left_out, is_named=is_named)
        look = _as_told if is_named else _as_is
        names = _positional_names(function) if left_out else []
        args = [
            look(value)
            for at, value in enumerate(function.args)
            if at >= len(names) or names[at] not in left_out
        ]
        keywords = {k: look(v) for k, v in _shown_keywords(function, left_out).items()}
        return f"{inner}[{_text(name, [args, keywords])}]"
    instance = bound_to(function)
    # An instance without a key is identified by name= alone: the user knows it.
    if instance is None or (is_named and not has_key(instance)):
        return ""
    if left_out and _instance_name(function) in left_out:
        return ""
    return f"[{_text(name, instance)}]"


def _shown_keywords(partial: functools.partial[Any], left_out: frozenset[str]) -> dict[str, Any]:
    if not left_out:
        return partial.keywords
    named, others = _keyword_names(partial)
    return {
        key: value
        for key, value in partial.keywords.items()
        if key not in left_out and (key in named or others.isdisjoint(left_out))
    }


def hidden_names(function: Any) -> frozenset[str]:
    """Name the parameters whose values a partial or a bound method hides from the signature."""
    names: set[str] = set()
    while isinstance(function, functools.partial):
        names.update(_positional_names(function)[: len(function.args)])
        keywords, others = _keyword_names(function)
        if not keywords.issuperset(function.keywords):
            names.update(others)
        function = function.func
    instance = _instance_name(function)
    return frozenset(names if instance is None else {*names, instance})


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C do not tell
        return []


def _instance_name(function: Any) -> str | None:
    """The name of the parameter that takes the instance of a bound method."""
    if type(function) is not MethodType:
        return None
    return next((parameter.name for parameter in _parameters(function.__func__)), None)


def _positional_names(partial: functools.partial[Any]) -> list[str]:
    """The names of the parameters that take what ``partial`` binds by position, in order."""
    names: list[str] = []
    for parameter in _parameters(partial.func):
        if parameter.kind == parameter.VAR_POSITIONAL:
            return names + [parameter.name] * max(0, len(partial.args) - len(names))
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return names


def _keyword_names(partial: functools.partial[Any]) -> tuple[set[str], set[str]]:
    """The names of the parameters that keywords have, and of the one that takes other keywords."""
    found = _parameters(partial.func)
    others = {parameter.name for parameter in found if parameter.kind == parameter.VAR_KEYWORD}
    return {parameter.name for parameter in found} - others, others


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


def _text(name: str, bound: object) -> str:
    """The key text of what is bound."""
    try:
        return _core.canonical(bound)
    except TypeError as error:
        raise TypeError(
            f"{name} binds what has no key ({error}): name it with name=..., or give the class "
            "of what it binds a __memo_key__() method"
        ) from error
