"""What a class consists of: its fields, and all its members if its name does not identify it."""

from __future__ import annotations

import functools
import inspect
from weakref import WeakKeyDictionary

from . import _core
from ._digest import short
from ._naming import full_name_of, leads_to
from ._texts import UnderWay, text_of, without_addresses
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MAIN = ("__main__", "__mp_main__")
#: What Python and libraries note in a class, which says nothing that its members do not say.
_NOTES = frozenset(
    [
        *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__"),
        *("__annotate__", "__annotate_func__", "__annotations_cache__", "__firstlineno__"),
        *("__static_attributes__", "__orig_bases__", "__parameters__", "__abstractmethods__"),
        *("__dataclass_fields__", "__dataclass_params__", "__attrs_attrs__", "__attrs_props__"),
        *("__class_vars__", "__private_attributes__", "__signature__", "_abc_impl", "model_fields"),
        *("__classcell__", "__hash__", "__replace__", "__post_root_validators__"),
    ]
)
#: The digests of classes, as they were when they were first asked for.
_marks: WeakKeyDictionary[type, str] = WeakKeyDictionary()
_under_way = UnderWay()


def class_mark(cls: type) -> str:
    """Return a digest of a class that its name may not lead to, else "".

    In the main program a cell may be edited and run again, so that classes there have one, too.
    """
    if not inspect.isclass(cls) or (cls.__module__ not in _MAIN and leads_to(cls)):
        return ""
    return _mark(cls)


def namesake_mark(cls: type) -> str:
    """Return a digest of a class whose name leads to another class or to none, else ""."""
    return "" if leads_to(cls) else _mark(cls)


def _mark(cls: type) -> str:
    mark = _marks.get(cls)
    if mark is None:
        mark = _under_way(cls, lambda each: short("\n".join(_all_of(each))))
        if mark:
            _marks[cls] = mark
    return mark


def _all_of(cls: type) -> Iterator[str]:
    """The fields of a class, and all members of it and of those bases that have no name either."""
    yield shape_text(cls)
    for base in cls.__mro__[:-1]:
        if base is not cls and leads_to(base):
            yield full_name_of(base)
            continue
        for name, member in sorted(vars(base).items()):
            if name not in _NOTES and not name.startswith(("__pydantic_", "__attrs_")):
                yield f"{name} = {_member_text(member)}"


def _member_text(member: Any) -> str:
    if isinstance(member, (staticmethod, classmethod)):
        return f"{type(member).__name__} {_text(member.__func__)}"
    if isinstance(member, property):
        return f"property {[_text(each) for each in (member.fget, member.fset, member.fdel)]}"
    if isinstance(member, functools.cached_property):
        return f"property {_text(member.func)}"
    if isinstance(member, _core.Memoised):
        return _text(member.function)
    return _text(member)


def _text(value: Any) -> str:
    text = text_of(value)
    return type(value).__qualname__ if text is None else text


def shape_text(cls: Any) -> str:
    """Return the fields of a class with their types and defaults."""
    schema = getattr(cls, "model_json_schema", None)
    if schema is not None:
        import json

        try:
            return json.dumps(schema(), sort_keys=True, default=repr)
        except Exception:  # pydantic has no schema for some fields
            schema = None
    members = getattr(cls, "__members__", None)
    if members is not None:
        return repr({name: _text(member.value) for name, member in members.items()})
    return "\n".join([*_annotated(cls), *_noted(cls)])


def _annotated(cls: Any) -> Iterator[str]:
    """The fields that annotations declare."""
    for base in reversed(cls.__mro__[:-1]):
        for name, annotation in inspect.get_annotations(base).items():
            shown = getattr(annotation, "__qualname__", None) or str(annotation)
            default = _text(base.__dict__[name]) if name in base.__dict__ else ""
            yield f"{name}: {without_addresses(shown)} = {default}"


def _noted(cls: Any) -> Iterator[str]:
    """What libraries record about fields beyond their annotations."""
    for field in getattr(cls, "__dataclass_fields__", {}).values():
        if field.default_factory is not _missing():
            yield f"{field.name} = {_text(field.default_factory)}()"
        if field.metadata:
            yield f"{field.name} has {_text(dict(field.metadata))}"
    for field in getattr(cls, "__attrs_attrs__", None) or ():
        factory = getattr(field.default, "factory", field.default)
        yield f"{field.name} = {_text(factory)} has {_text(dict(field.metadata))}"
    for name in ("_fields", "_field_defaults", "__struct_fields__", "__struct_defaults__"):
        value = getattr(cls, name, None)
        if isinstance(value, (tuple, dict)):
            yield f"{name} = {_text(value)}"
    keys = getattr(cls, "__required_keys__", None)
    if keys is not None:
        yield f"required: {sorted(keys)}"


def _missing() -> Any:
    import dataclasses

    return dataclasses.MISSING
