"""Describes arguments that are no JSON: the kind of a value, and what distinguishes it in its kind.

The native half asks for values that it does not know. No library is imported for this: a value of
a library shows that the program has imported it.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from dataclasses import fields

from . import _core
from ._code import body_text, code_of
from ._digest import short
from ._naming import full_name_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Described = tuple[str, Any]

#: Types of the standard library whose text identifies a value.
_BY_TEXT = frozenset(
    {"fractions.Fraction", "pathlib.PosixPath", "pathlib.WindowsPath"}
    | {"pathlib.PurePosixPath", "pathlib.PureWindowsPath"}
    | {f"ipaddress.IPv{n}{kind}" for n in (4, 6) for kind in ("Address", "Network", "Interface")}
)


def describe(value: object) -> Described | None:
    """Return the kind of ``value`` and what identifies it in that kind; None if it is unknown."""
    for known in (_plain, _fields, _function, _alias, _moment, _numpy, _pandas, _data):
        described = known(value)
        if described is not None:
            return described
    return None


def _plain(value: Any) -> Described | None:
    """Describe built-in types, and those of the standard library that have a text."""
    cls = type(value)
    if cls is range:
        return "range", [value.start, value.stop, value.step]
    if cls is bytearray:
        return "bytearray", bytes(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    return (name, str(value)) if name in _BY_TEXT else None


def _fields(value: Any) -> Described | None:
    """Describe frozen dataclasses and named tuples by their fields."""
    cls = type(value)
    if getattr(getattr(cls, "__dataclass_params__", None), "frozen", False):
        return full_name_of(cls), {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        return full_name_of(cls), dict(zip(cls._fields, value, strict=True))
    return None


def _function(value: Any) -> Described | None:
    """Describe functions and partials by their names and a digest of their code."""
    if isinstance(value, functools.partial):
        return "partial", [value.func, list(value.args), value.keywords]
    if isinstance(value, types.MethodType):
        return "method", [full_name_of(value.__func__), value.__self__]
    is_function = isinstance(value, types.FunctionType)
    native = getattr(value, "_outlive_native", value) if is_function else value
    if isinstance(native, _core.Memoised):
        return "function", native.name
    if isinstance(value, types.BuiltinFunctionType) and inspect.ismodule(value.__self__):
        return "function", full_name_of(value)
    code = code_of(value) if is_function else None
    if code is None:
        return None
    return "function", [full_name_of(value), short(_what_it_does(value))]


def _what_it_does(function: Any) -> str:
    """Return the body of a function, its defaults and the contents of its cells."""
    parts = [body_text(function.__code__)]
    given = [function.__defaults__, function.__kwdefaults__]
    for value in (*given, *map(_contents, function.__closure__ or ())):
        try:
            parts.append(_core.canonical(value))
        except TypeError:  # a client, a session: passed over
            parts.append("")
    return "\n".join(parts)


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is set later
        return None


def _alias(value: Any) -> Described | None:
    """Describe types with parameters, such as ``list[Answer]``."""
    if isinstance(value, types.UnionType):
        return "union", list(value.__args__)
    if type(value).__module__ not in ("types", "typing"):
        return None
    origin, arguments = getattr(value, "__origin__", None), getattr(value, "__args__", None)
    if arguments is None:
        return None
    named = origin if isinstance(origin, type) else repr(origin)
    return "alias", [named, list(arguments)]


def _moment(value: Any) -> Described | None:
    """Describe times in a named zone by the local time and the key of the zone."""
    cls = type(value)
    if cls.__module__ != "datetime" or cls.__name__ not in ("datetime", "time"):
        return None
    zone = value.tzinfo
    key = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo, pytz
    if not isinstance(key, str):
        key = repr(zone) if type(zone).__module__ == "datetime" else None
    if key is None:
        return None
    offset = value.utcoffset()
    told_apart = [value.replace(tzinfo=None).isoformat(), value.fold, key]
    return cls.__name__, [*told_apart, None if offset is None else offset.total_seconds()]


def _numpy(value: Any) -> Described | None:
    """Describe scalars of numpy by type and number."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return None
    if value.dtype.kind not in "biufcmMSU":
        return None
    return f"numpy.{value.dtype.name}", _number(value)


def _number(value: Any) -> Any:
    if value.dtype.kind in "mM":
        return value.tobytes()
    item = value.item()
    # A long double has no counterpart in Python, and its bytes hold some that mean nothing.
    return repr(value) if type(item) is type(value) else item


def _pandas(value: Any) -> Described | None:
    """Describe timestamps, timedeltas and NaT of pandas."""
    pandas = sys.modules.get("pandas")
    cls = type(value)
    if pandas is None or cls.__module__.partition(".")[0] != "pandas":
        return None
    if value is getattr(pandas, "NaT", None) or value is getattr(pandas, "NA", None):
        return f"pandas.{value!r}", None
    if cls.__name__ == "Timestamp":
        return "pandas.Timestamp", [value.isoformat(), value.fold, str(value.tz)]
    if cls.__name__ in ("Timedelta", "Period"):
        return f"pandas.{cls.__name__}", [str(value), getattr(value, "freqstr", None)]
    return None


def _data(value: Any) -> Described | None:
    """Describe data classes, arrays and frames."""
    from . import _described_data

    for known in (_described_data.array, _described_data.frame, _described_data.data):
        described = known(value)
        if described is not None:
            return described
    return None


def class_mark(cls: type) -> str:
    """Return a digest of the shape of a class; "" if its name leads to it in every process."""
    if not inspect.isclass(cls) or _leads_to(cls):
        return ""
    return short(shape_text(cls))


def _leads_to(cls: type) -> bool:
    """Return whether the name of a class leads to it in every process."""
    if cls.__module__ in ("__main__", "__mp_main__"):
        return False  # a cell of a notebook may be edited and run again
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls


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
        return repr({name: member.value for name, member in members.items()})
    lines = []
    for base in reversed(cls.__mro__[:-1]):
        for name, annotation in inspect.get_annotations(base).items():
            shown = getattr(annotation, "__qualname__", None) or str(annotation)
            lines.append(f"{name}: {shown} = {base.__dict__.get(name, ...)!r}")
    return "\n".join(lines)


def advice(value: object, name: str) -> str:
    """Return what to do with an argument that has no key."""
    leave_out = f'leave it out with ignore=("{name}",), make the key yourself with key=...'
    cls = type(value)
    # Asked of the class: a __getattr__ of the instance may make a request.
    if hasattr(cls, "read") and hasattr(cls, "close"):
        return f"{leave_out}, or pass outlive.File(path), which stands for a file's content"
    if hasattr(cls, "__next__") or hasattr(cls, "__anext__"):
        return f"{leave_out}, or pass a list or tuple of its items"
    if hasattr(cls, "tzinfo"):
        return f"{leave_out}, or pass it in UTC: .astimezone(datetime.timezone.utc)"
    if hasattr(cls, "tolist"):
        return f"{leave_out}, or pass its .tolist(), or .item() of a single number"
    if hasattr(cls, "__dataclass_fields__"):
        return f"{leave_out}, or make its class a @dataclass(frozen=True)"
    if cls.__flags__ & _HEAP_TYPE:
        return (
            f"{leave_out}, or give its class a __memo_key__() method that returns what tells its "
            "instances apart"
        )
    return f"{leave_out}, or pass what tells it from others: a str, a number or a tuple of them"


#: Classes made by Python code: a method can be added to these.
_HEAP_TYPE = 1 << 9
