"""What a function reads beside its arguments: constants of its module, and of its own class.

A value counts if it is part of how the function is written: a model's name, a prompt, a table. What
code of the module changes while it runs is the program's state, and does not count.
"""

from __future__ import annotations

import inspect
import sys
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType

from . import _core
from ._class_shape import shape_text
from ._code import body_text, code_of, constant_text, global_names, nested_code, own_attributes
from ._layers import innermost
from ._state import state_attributes, state_globals
from ._texts import attributes_of, full_name, text_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

    Read = tuple[str, str | None]

_MISSING: Any = object()
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_NAMED: tuple[Any, ...] = (type, FunctionType, BuiltinFunctionType)
#: Classes of the standard library whose instances cannot change.
_CONSTANTS = frozenset(
    [
        *("re.Pattern", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "builtins.range"),
        *("datetime.date", "datetime.timedelta", "datetime.datetime", "datetime.time"),
        *("datetime.timezone", "zoneinfo.ZoneInfo", "functools.partial", "builtins.slice"),
        *("operator.itemgetter", "operator.attrgetter", "operator.methodcaller"),
        *("pathlib.PosixPath", "pathlib.WindowsPath"),
        *("pathlib.PurePosixPath", "pathlib.PureWindowsPath"),
    ]
)
#: Attributes that mark classes with fields: of dataclasses, named tuples, enums, pydantic, attrs,
#: msgspec.
_FIELDS = (
    *("__dataclass_fields__", "_fields", "__members__", "model_fields"),
    *("__attrs_attrs__", "__struct_fields__", "__total__"),
)
#: The modules behind ``os.path``, one on each system.
_PATHS = ("posixpath", "ntpath")


def constants(inner: Any) -> Iterator[str]:
    """Describe what the function ``inner`` reads of its module, and of the class it stands in."""
    code = code_of(inner)
    if code is None:
        return
    names: dict[str, Any] = getattr(inner, "__globals__", {})
    texts = {read: _text(names, *read) for read in global_names(code) if read[0][:2] != "__"}
    found = {read: text for read, text in texts.items() if text is not None}
    state = _state(inner, names, {name for name, _ in found}) if found else set()
    for read, text in found.items():
        if read not in state and (read[0], None) not in state:
            yield text
    yield from _of_class(inner, names, code)


def _state(inner: Any, names: dict[str, Any], read: set[str]) -> set[Read]:
    """Name those of the globals that code of the module changes, the function among it."""
    state: set[Read] = set()
    for function in [inner, *_functions(names)]:
        code = code_of(function)
        if code is not None and any(not read.isdisjoint(c.co_names) for c in nested_code(code)):
            state |= state_globals(code)
    return state


def _functions(names: dict[str, Any]) -> Iterator[Any]:
    """Yield the functions of a module, and those of its classes."""
    for value in list(names.values()):
        # Not isinstance, which asks a lazy object for the class of what it stands for.
        is_class = issubclass(type(value), type)
        is_own = is_class and value.__module__ == names.get("__name__")
        for member in _members(value) if is_own else [value]:
            # Nothing else is asked: a proxy has each attribute, and may make a request for it.
            if issubclass(type(member), (FunctionType, _core.Memoised)):
                function = innermost(member)
                if getattr(function, "__globals__", None) is names:
                    yield function


def _members(cls: type) -> Iterator[Any]:
    """Yield the members of a class, and the functions behind its properties and the like."""
    for member in list(vars(cls).values()):
        if isinstance(member, property):
            yield from (each for each in (member.fget, member.fset, member.fdel) if each)
        else:
            is_wrapped = isinstance(member, (staticmethod, classmethod))
            yield member.__func__ if is_wrapped else member


def _text(names: dict[str, Any], name: str, attribute: str | None) -> str | None:
    """Describe a global and the attribute that is read from it; None if it is no constant."""
    value = names.get(name, _MISSING)
    told = []
    if attribute is not None:
        constant = _constant_of(name, value, attribute)
        if _is_plain(constant, may_change=attribute.isupper() or name.isupper()):
            told.append(f"{name}.{attribute} = {constant_text(constant)}")
    text = _global_text(names, name, value)
    told += [] if text is None else [f"{name} = {text}"]
    return "\n".join(told) or None


def _constant_of(name: str, value: Any, attribute: str) -> Any:
    """The attribute of a module outside the standard library, or a constant of an object."""
    if isinstance(value, ModuleType):
        is_ours = value.__name__ not in sys.stdlib_module_names
        return vars(value).get(attribute, _MISSING) if is_ours else _MISSING
    if isinstance(value, type):
        constant = vars(value).get(attribute, _MISSING)
        return constant if attribute.isupper() or isinstance(constant, str) else _MISSING
    if attribute.isupper() or name.isupper():
        try:
            return attributes_of(value).get(attribute, _MISSING)
        except Exception:  # code of the user's, such as a __dict__ that is a property
            return _MISSING
    return _MISSING


def _global_text(names: dict[str, Any], name: str, value: Any) -> str | None:
    """Describe a global: a constant, a lambda, the shape of a class, what a name stands for."""
    if isinstance(value, type) and has_fields(value):
        return shape_text(value)
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        return body_text(value.__code__)
    if isinstance(value, (ModuleType, *_NAMED)):
        return _stands_for(name, value, names.get("__name__"))
    if _is_plain(value, may_change=name.isupper()):
        return constant_text(value)
    if name.isupper() and isinstance(value, (list, tuple, dict)):
        return _table_text(value)
    return text_of(value) if _is_constant(value) else None


def _stands_for(name: str, value: Any, here: Any) -> str | None:
    """Return where a module, function or class is from; None if it is of the function's own module.

    Under its own name, the library is enough: where that keeps what it exports is its own affair.
    """
    if isinstance(value, ModuleType):
        home, known = value.__name__, value.__name__.rpartition(".")[2]
        whole = home
    else:
        home, known = getattr(value, "__module__", None) or "", getattr(value, "__name__", name)
        whole = f"{home}.{value.__qualname__}"
        if known == name and home == (here or ""):
            return None
    if home in _PATHS:
        return f"os.path.{known}"
    return f"{home.partition('.')[0]}.{name}" if known == name else whole


def _table_text(table: Any) -> str | None:
    """Describe a table of functions: lambdas by their bodies; None if it holds other things."""
    members = [m for pair in table.items() for m in pair] if isinstance(table, dict) else table
    texts = [_member_text(member) for member in members]
    return None if None in texts else f"{type(table).__name__}{texts}"


def _member_text(member: Any) -> str | None:
    if isinstance(member, FunctionType) and member.__name__ == "<lambda>":
        return body_text(member.__code__)
    if isinstance(member, _NAMED):
        return f"{member.__module__}.{member.__qualname__}"
    if _is_plain(member, may_change=True):
        return constant_text(member)
    return text_of(member) if _is_constant(member) else None


def _of_class(inner: Any, names: dict[str, Any], code: CodeType) -> Iterator[str]:
    """Describe the constants of its class that a method reads from its first parameter."""
    place, _, _ = getattr(inner, "__qualname__", "").rpartition(".")
    cls: Any = names.get(place.partition(".")[0])
    for part in place.split(".")[1:]:
        cls = getattr(cls, part, None)
    if not place or not isinstance(cls, type):
        return
    codes = [each.__code__ for each in _members(cls) if type(each) is FunctionType]
    state = {name for each in codes for name in state_attributes(each)}
    for attribute in own_attributes(code):
        constant = inspect.getattr_static(cls, attribute, _MISSING)
        is_one = attribute.isupper() or isinstance(constant, str)
        if is_one and attribute not in state and _is_plain(constant, may_change=True):
            yield f"{cls.__qualname__}.{attribute} = {constant_text(constant)}"


def _is_constant(value: Any) -> bool:
    """Return whether an object cannot change: a pattern, a decimal, a frozen dataclass."""
    cls = type(value)
    if full_name(cls) in _CONSTANTS or isinstance(value, Enum):
        return True
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        return True
    return bool(getattr(vars(cls).get("__dataclass_params__"), "frozen", False))


def _is_plain(value: Any, may_change: bool) -> bool:
    """Return whether a value is a constant: plain, or a container of plain values."""
    if type(value) in (tuple, frozenset):
        return all(_is_plain(member, may_change) for member in value)
    if may_change and isinstance(value, (list, set)):
        return all(_is_plain(member, may_change) for member in value)
    if may_change and isinstance(value, dict):
        return all(_is_plain(member, may_change) for pair in value.items() for member in pair)
    return type(value) in _PLAIN


def has_fields(cls: type) -> bool:
    """Return whether a class declares fields, as data classes do."""
    return any(hasattr(cls, name) for name in _FIELDS)
