"""Recognises results that can be used only once: iterators, open files, and their holders."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_CONTAINERS = (list, tuple, set, frozenset)
#: What classes have whose instances hold data: dataclasses, attrs, msgspec, pydantic.
_FIELDS = ("__dataclass_fields__", "__attrs_attrs__", "__struct_fields__", "__pydantic_fields__")
#: Context managers that can be entered once, and a folder that goes with the object.
_ONCE = frozenset(
    f"contextlib.{name}" for name in ("ExitStack", "AsyncExitStack", "closing", "aclosing")
) | {"tempfile.TemporaryDirectory"}


def one_shot_part(result: object) -> str | None:
    """Name the part of ``result`` that can be used only once; None if there is none."""
    seen: set[int] = set()
    parts = [("result", result)]
    while parts:  # a loop, because values may be nested more deeply than calls can be
        path, value = parts.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _is_one_shot(value) or _holds_one_shot(value):
            return f"{path}: {_type_name(value)}"
        parts.extend(_members(path, value))
    return None


def _members(path: str, value: Any) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        return [(f"{path}[{_shown(key)}]", member) for key, member in list(value.items())]
    if isinstance(value, _CONTAINERS) or _type_name(value) == "collections.deque":
        return [(f"{path}[{n}]", member) for n, member in enumerate(list(value))]
    if _holds_data(type(value)):
        return [(f"{path}.{name}", member) for name, member in _attributes(value)]
    return ()


def _holds_data(cls: type) -> bool:
    return any(hasattr(cls, name) for name in _FIELDS) or cls.__name__ == "SimpleNamespace"


def _attributes(value: Any) -> Iterable[tuple[str, object]]:
    """Return the attributes of an instance, in its ``__dict__`` or in slots."""
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    known = getattr(value, "__dict__", {})
    return [*list(known.items()), *((n, getattr(value, n, None)) for n in slots if n not in known)]


def _is_one_shot(value: Any) -> bool:
    """Return whether ``value`` is an iterator (as files and generators are) or a coroutine."""
    cls = type(value)
    if hasattr(cls, "__next__") or hasattr(cls, "__anext__"):
        return getattr(value, "closed", False) is not True
    if hasattr(cls, "iter_bytes") and hasattr(value, "is_stream_consumed"):
        return not (value.is_stream_consumed or value.is_closed)  # a response that was not read
    return _type_name(value) in _ONCE or (hasattr(cls, "__await__") and hasattr(cls, "send"))


def _holds_one_shot(value: object) -> bool:
    """Return whether ``value`` holds an iterator or a file that it iterates or enters.

    Such are the context managers of ``contextlib``, temporary files, streamed responses. Other
    objects may hold an open file or a counter and be used any number of times.
    """
    cls = type(value)
    if not (hasattr(cls, "__iter__") or hasattr(cls, "__aiter__")):
        if not (hasattr(cls, "__enter__") or hasattr(cls, "__aenter__")):
            return False
        return any(_is_generator(held) for held in _held(value))
    return any(_is_generator(held) or _is_open_file(held) for held in _held(value))


def _held(value: object) -> list[Any]:
    return list(getattr(value, "__dict__", {}).values())


def _is_generator(value: object) -> bool:
    return hasattr(type(value), "send") or hasattr(type(value), "asend")


def _is_open_file(value: object) -> bool:
    return hasattr(type(value), "readline") and getattr(value, "closed", True) is False


def _shown(key: object) -> str:
    try:
        return f"{key!r:.60}"
    except Exception:  # a repr runs the user's code
        return _type_name(key)


def _type_name(value: object) -> str:
    cls = type(value)
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"
