"""Classes that are not stored, and what to do instead."""

from __future__ import annotations

import sys
from typing import Any

from .code_names import is_model
from .names import shown
from .problems import Refused

#: Classes that attrs and dataclasses give methods for pickling: they say nothing of their own.
_GENERATED = ("dataclasses", "attr._make", "attr._next_gen", "enum")
_RULES = (
    *("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__"),
    *("__getnewargs_ex__", "__copy__", "__deepcopy__", "__del__"),
)
_FLATTENED = (str, int, float, dict, list, tuple, set, frozenset, bytes, bytearray, complex)


def check(cls: type) -> None:
    """Raise ``Refused`` if instances of ``cls`` are of a kind that is not stored."""
    _check_secrets(cls)
    _check_responses(cls)
    if not _is_made_in_python(cls):
        raise Refused(shown(cls))
    from enum import Enum

    # The rules for copying a model come from its library, which outlive knows.
    if issubclass(cls, Enum) or is_model(cls):
        return
    if issubclass(cls, BaseException) or issubclass(cls, type):
        raise Refused(shown(cls), f"return what it says, or {register(cls)}")
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return
    for base in _FLATTENED:
        if issubclass(cls, base):
            raise Refused(
                shown(cls),
                f'on_unstorable="plain" stores it as {base.__name__}, or {register(cls)}',
            )
    if any(_has_own(cls, rule) for rule in _RULES):
        raise Refused(f"{shown(cls)}, which has rules of its own for copying", register(cls))


def register(cls: type) -> str:
    """Return the line of code that stores instances of ``cls`` all the same."""
    return f"outlive.register({cls.__qualname__}, dump=..., load=...)"


def _is_made_in_python(cls: type) -> bool:
    """Return whether the class was made by a class statement, or in an equivalent way."""
    heap_type = 1 << 9
    return bool(cls.__flags__ & heap_type)


def _has_own(cls: type, rule: str) -> bool:
    """Return whether a class of the user defines how instances are copied."""
    for base in cls.__mro__:
        found = base.__dict__.get(rule)
        if found is not None and base is not object:
            function = getattr(found, "__func__", found)
            return getattr(function, "__module__", None) not in _GENERATED
    return False


def _check_secrets(cls: type) -> None:
    types: Any = sys.modules.get("pydantic.types")
    secret = getattr(types, "_SecretBase", None)
    if isinstance(secret, type) and issubclass(cls, secret):
        raise Refused(
            f"{shown(cls)}: a secret would stand in a plain file",
            "return what does not need it, or read it from where it is kept",
        )


def _check_responses(cls: type) -> None:
    for module, name in (
        ("requests", "Response"),
        ("httpx", "Response"),
        ("urllib3", "HTTPResponse"),
    ):
        response = getattr(sys.modules.get(module), name, None)
        if isinstance(response, type) and issubclass(cls, response):
            raise Refused(
                f"{shown(cls)}: it holds its request with its headers",
                "return response.json() or response.text",
            )
