"""Whether two values are the same in all that a user could see of them."""

from __future__ import annotations

import types
from typing import Any


def assert_same(found: Any, wanted: Any, path: str = "it") -> None:
    """Compare type, equality, repr, ``__dict__``, slots, and all parts."""
    assert type(found) is type(wanted), path
    assert repr(found) == repr(wanted), path
    if "__eq__" in {name for base in type(wanted).__mro__[:-1] for name in vars(base)}:
        assert found == wanted, path
    for name, value in _attributes(wanted).items():
        assert_same(_attributes(found)[name], value, f"{path}.{name}")
    assert _attributes(found).keys() == _attributes(wanted).keys(), path
    for (key, value), (key2, value2) in zip(_items(found), _items(wanted), strict=True):
        assert_same(key, key2, f"{path} key")
        assert_same(value, value2, f"{path}[{key!r}]")
    for name in ("maxlen", "default_factory", "tzinfo", "fold"):
        assert getattr(found, name, None) == getattr(wanted, name, None), path


def _attributes(value: Any) -> dict[str, Any]:
    if type(value).__module__ == "builtins" or isinstance(value, type):
        return {}
    found = {f"dict {n}": v for n, v in getattr(value, "__dict__", {}).items()}
    for base in type(value).__mro__:
        for name, slot in vars(base).items():
            if isinstance(slot, types.MemberDescriptorType) and name != "__weakref__":
                try:
                    found[f"{base.__name__}.{name}"] = slot.__get__(value)
                except AttributeError:
                    continue
    if type(value).__module__ in ("datetime", "zoneinfo", "enum", "ipaddress", "fractions"):
        return {}
    return {n: v for n, v in found.items() if not n.startswith("dict _hash")}


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (set, frozenset)):
        return [(None, item) for item in sorted(value, key=repr)]
    if isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
        return list(enumerate(value))
    return []
