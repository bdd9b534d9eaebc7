"""Describes arguments that are not JSON: the kind of a value, and what identifies it there.

The native half asks about values that it does not know. No library is imported for this: a value of
a library shows that the program has imported it.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from dataclasses import fields

from . import _core
from ._code import code_of
from ._code_digest import code_text
from ._digest import short
from ._naming import full_name_of
from ._texts import BOUND_IN_C, UnderWay, contents, full_name, text_of, without_addresses
from ._typing import TYPE_CHECKING
from ._wrappers import native_of

if TYPE_CHECKING:
    from typing import Any

    Described = tuple[str, Any]

#: The types of ``str.upper`` and ``int.__add__``.
_OF_CLASSES: tuple[Any, ...] = (types.MethodDescriptorType, types.WrapperDescriptorType)
#: Types of the standard library whose text identifies a value.
_BY_TEXT = frozenset(
    {"fractions.Fraction", "pathlib.PosixPath", "pathlib.WindowsPath"}
    | {"pathlib.PurePosixPath", "pathlib.PureWindowsPath"}
    | {f"ipaddress.IPv{n}{kind}" for n in (4, 6) for kind in ("Address", "Network", "Interface")}
)
#: Those that hold attributes and nothing else.
_BY_ATTRIBUTES = frozenset({"types.SimpleNamespace", "argparse.Namespace"})
#: Those that say what they are made of when they are pickled.
_BY_PARTS = frozenset({"operator.itemgetter", "operator.attrgetter", "operator.methodcaller"})


def describe(value: object) -> Described | None:
    """Return the kind of ``value`` and what identifies it in that kind; None if it is unknown."""
    for known in (_plain, _pattern, _fields, _function, _alias, _moment, _numpy, _pandas, _data):
        described = known(value)
        if described is not None:
            return described
    return None


def _plain(value: Any) -> Described | None:
    """Describe built-in types, and those of the standard library that have a text form."""
    cls = type(value)
    if cls is range or cls is slice:
        return cls.__name__, [value.start, value.stop, value.step]
    if cls is bytearray:
        return "bytearray", bytes(value)
    if cls is types.MappingProxyType:
        return "mappingproxy", dict(value)
    name = full_name(cls)
    if name in _BY_ATTRIBUTES:
        return name, dict(vars(value))
    if name in _BY_PARTS:
        return name, list(value.__reduce__()[1:])
    return (name, str(value)) if name in _BY_TEXT else None


def _pattern(value: Any) -> Described | None:
    """Describe patterns of ``re``, and time zones."""
    cls = type(value)
    if cls.__module__ == "re" and cls.__name__ == "Pattern":
        return "re.Pattern", [value.pattern, value.flags]
    if cls.__module__ == "datetime" and cls.__name__ == "timezone":
        return "datetime.timezone", repr(value)
    if cls.__name__ == "ZoneInfo" and cls.__module__ == "zoneinfo" and value.key is not None:
        return "zoneinfo.ZoneInfo", value.key
    return None


def _fields(value: Any) -> Described | None:
    """Describe frozen dataclasses and named tuples by their fields."""
    cls = type(value)
    if getattr(vars(cls).get("__dataclass_params__"), "frozen", False):
        return _core.class_name(cls), {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        return _core.class_name(cls), dict(zip(cls._fields, value, strict=True))
    return None


def _function(value: Any) -> Described | None:
    """Describe functions and partials by their names and a digest of their code."""
    if isinstance(value, functools.partial):
        return "partial", [value.func, list(value.args), value.keywords]
    if isinstance(value, types.MethodType):
        return "method", [full_name_of(value.__func__), value.__self__]
    native = native_of(value)
    if isinstance(native, _core.Memoised):
        return "function", native.name
    if isinstance(value, BOUND_IN_C):
        owner = getattr(value, "__self__", None)
        if owner is None or inspect.ismodule(owner):
            return "function", full_name_of(value)
        return "method", [value.__qualname__, owner]
    if isinstance(value, _OF_CLASSES):
        return "function", [value.__objclass__, value.__name__]
    if not isinstance(value, types.FunctionType) or code_of(value) is None:
        return None
    return "function", [full_name_of(value), short(_under_way(value, _what_it_does))]


_under_way = UnderWay()


def _what_it_does(function: Any) -> str:
    """Return the code of a function, its defaults and the contents of its cells as text."""
    given = [function.__defaults__, function.__kwdefaults__]
    held = [*given, *map(contents, function.__closure__ or ())]
    return "\n".join([code_text(function) or "", *(text_of(value) or "" for value in held)])


def _alias(value: Any) -> Described | None:
    """Describe types with parameters, such as ``list[Answer]``, and other annotations."""
    if isinstance(value, types.UnionType):
        return "union", list(value.__args__)
    if type(value).__module__ not in ("types", "typing", "annotationlib"):
        return None
    kind = type(value).__name__
    if kind == "NewType":
        return "newtype", [full_name_of(value), value.__supertype__]
    if kind in ("TypeVar", "_SpecialForm"):
        return kind, repr(value)
    if kind == "ForwardRef":
        return kind, value.__forward_arg__
    origin, arguments = getattr(value, "__origin__", None), getattr(value, "__args__", None)
    if arguments is None:
        return None
    named = origin if isinstance(origin, type) else repr(origin)
    shown = [["ellipsis"] if each is ... else each for each in arguments]
    metadata = getattr(value, "__metadata__", None)
    return "alias", [named, shown, *([] if metadata is None else [list(metadata)])]


def _moment(value: Any) -> Described | None:
    """Describe times in a named zone by the local time and the key of the zone."""
    cls = type(value)
    if cls.__module__ != "datetime" or cls.__name__ not in ("datetime", "time"):
        return None
    key = _zone_key(value.tzinfo)
    if key is None:
        return None
    offset = value.utcoffset()
    told_apart = [value.replace(tzinfo=None).isoformat(), value.fold, key]
    return cls.__name__, [*told_apart, None if offset is None else offset.total_seconds()]


def _zone_key(zone: Any) -> str | None:
    """Return what tells a time zone from others; None if it does not say."""
    key = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo, pytz
    if isinstance(key, str):
        return key
    shown, cls = repr(zone), type(zone)
    if cls.__module__ == "datetime":
        return shown
    return f"{_core.class_name(cls)} {shown}" if without_addresses(shown) == shown else None


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
    # A long double has no counterpart in Python, and some of its bytes are padding.
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


def advice(value: object, name: str) -> str:
    """Return what to do with an argument that has no key."""
    leave_out = f'leave it out with ignore=("{name}",), make the key yourself with key=...'
    cls = type(value)
    # The class is asked: a __getattr__ of the instance may make a request.
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
    if hasattr(cls, "get_secret_value"):
        return f'{leave_out}, or pass its .get_secret_value(), with secret=("{name}",)'
    if cls.__flags__ & _HEAP_TYPE and (name == "self" or not _is_of_library(cls)):
        return (
            f"{leave_out}, or give its class a __memo_key__() method that returns what tells its "
            "instances apart"
        )
    base = next((base for base in _FLAT if issubclass(cls, base)), None)
    if base is not None:
        return f"{leave_out}, or pass {base.__name__}({name})"
    return f"{leave_out}, or pass what tells it from others: a str, a number or a tuple of them"


def _is_of_library(cls: type) -> bool:
    """Return whether a class is of Python or an installed library: the user cannot extend it."""
    if cls.__module__.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


#: Built-in types that have keys, and whose subclasses may say more.
_FLAT = (str, bytes, int, float, dict, list, tuple, set, frozenset)
#: Classes made by Python code: a method can be added to these.
_HEAP_TYPE = 1 << 9
