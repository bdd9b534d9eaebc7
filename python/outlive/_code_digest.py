"""Digests the code of a function, to detect that it was edited since a result was made."""

from __future__ import annotations

import inspect
import os
import sys
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType

from ._class_shape import shape_text
from ._code import body_text, code_of, constant_text, global_names
from ._digest import short
from ._layers import called_of, innermost, layers
from ._texts import text_of
from ._typing import TYPE_CHECKING
from ._wrappers import hands_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MISSING: Any = object()
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_NAMED: tuple[Any, ...] = (type, FunctionType, BuiltinFunctionType)
#: Classes of the standard library whose instances cannot change.
_CONSTANTS = frozenset(
    [
        *("re.Pattern", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "builtins.range"),
        *("datetime.date", "datetime.timedelta", "functools.partial"),
    ]
)
#: Attributes that mark classes with fields: of dataclasses, named tuples, enums, pydantic, attrs,
#: msgspec.
_FIELDS = (
    *("__dataclass_fields__", "_fields", "__members__", "model_fields"),
    *("__attrs_attrs__", "__struct_fields__", "__total__"),
)
#: Each minor version has its own instructions, so digests of two versions are never compared.
_VERSION = chr(ord("a") + sys.version_info[1] % 26)


def code_digest(function: Any) -> str | None:
    """Return a digest of eight characters; None if ``function`` is not written in Python."""
    text = code_text(function)
    return None if text is None else _VERSION + short(text, length=7)


def code_text(function: Any) -> str | None:
    """Return the code of ``function`` as text; None if it is not written in Python."""
    inner = innermost(function)
    code = code_of(inner)
    if code is None:
        return None
    parts = [body_text(code), *_wrappers(function, inner), *_globals(inner), *_annotations(inner)]
    return "\n".join([*parts, *_hidden_defaults(function, inner)])


def _hidden_defaults(function: Any, inner: Any) -> Iterator[str]:
    """The defaults that keys do not show: a decorator may supply other values."""
    if not hands_on(function):
        for value in (inner.__defaults__, inner.__kwdefaults__):
            yield f"{text_of(value)}"


def _wrappers(function: Any, inner: Any) -> Iterator[str]:
    """Describe the decorators below memoise; for those of the function's module, their bodies."""
    for layer in layers(function):
        called = called_of(layer)
        if layer is not inner and called is not None:
            code, names = called.__code__, called.__globals__
            name = getattr(code, "co_qualname", None)  # from Python 3.11 on
            yield f"{names.get('__name__')}.{name or code.co_name}"
            if name is None or names is getattr(inner, "__globals__", None):
                yield body_text(code)


def _globals(inner: Any) -> Iterator[str]:
    """Describe the globals that the function reads, if their values are part of its behaviour."""
    code = code_of(inner)
    names = getattr(inner, "__globals__", {})
    if code is None:
        return
    for name, attribute in global_names(code):
        if name.startswith("__"):
            continue
        value = names.get(name, _MISSING)
        if attribute is not None:
            constant = _constant_of(value, attribute)
            if _is_plain(constant, may_change=attribute.isupper()):
                yield f"{name}.{attribute} = {constant_text(constant)}"
        if not isinstance(value, ModuleType):
            text = _text(name, value)
            if text is not None:
                yield f"{name} = {text}"


def _constant_of(value: Any, attribute: str) -> Any:
    """The attribute of a module outside the standard library, or a constant of a class."""
    if isinstance(value, ModuleType):
        is_ours = value.__name__ not in sys.stdlib_module_names
        return vars(value).get(attribute, _MISSING) if is_ours else _MISSING
    constant = vars(value).get(attribute, _MISSING) if isinstance(value, type) else _MISSING
    return constant if attribute.isupper() or isinstance(constant, str) else _MISSING


def _text(name: str, value: Any) -> str | None:
    """Describe a global: a constant, a lambda, the shape of a class."""
    if isinstance(value, type) and _has_fields(value):
        return shape_text(value)
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        return body_text(value.__code__)
    if isinstance(value, _NAMED):
        known = getattr(value, "__name__", name)
        return None if known == name else f"{value.__module__}.{value.__qualname__}"
    if _is_plain(value, may_change=name.isupper()):
        return constant_text(value)
    return text_of(value) if _is_constant(value) else None


def _is_constant(value: Any) -> bool:
    """Return whether an object cannot change: a pattern, a decimal, a frozen dataclass."""
    cls = type(value)
    if f"{cls.__module__}.{cls.__qualname__}" in _CONSTANTS or isinstance(value, Enum):
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


def _annotations(inner: Any) -> Iterator[str]:
    """Describe the shapes of the classes in the annotations of the function, and of their parts."""
    waiting, seen = _annotated(inner), set()
    while waiting:
        annotation = waiting.pop(0)
        waiting += getattr(annotation, "__args__", ())
        if isinstance(annotation, type) and _has_fields(annotation) and annotation not in seen:
            seen.add(annotation)
            yield f"{annotation.__qualname__}: {shape_text(annotation)}"
            waiting += _annotated(annotation)


def _annotated(of: Any) -> list[Any]:
    try:
        return list(inspect.get_annotations(of, eval_str=True).values())
    except Exception:  # names that only type checkers know
        return []


def _has_fields(cls: type) -> bool:
    return any(hasattr(cls, name) for name in _FIELDS)


def script_of(function: Any) -> str | None:
    """Return ``folder/file`` of a function whose module is run, not imported; "" without a file.

    Two programs may each have such a module of the same name: ``main.py``, or a notebook.
    """
    inner = innermost(function)
    if getattr(inner, "__module__", None) not in ("__main__", "__mp_main__"):
        return None
    names: dict[str, Any] = getattr(inner, "__globals__", {})
    if names.get("__spec__") is not None:
        return None
    file = names.get("__file__") or names.get("__vsc_ipynb_file__")
    file = file or os.environ.get("JPY_SESSION_NAME")
    if not isinstance(file, str) or file.startswith("<"):  # <stdin>, a cell
        return ""
    folder, name = os.path.split(os.path.abspath(file))
    return f"{os.path.basename(folder)}/{name}"
