"""Digests the code of a function, to notice that it was edited since a result was made."""

from __future__ import annotations

import inspect
import os
import sys
from types import FunctionType, ModuleType

from ._code import body_text, code_of, constant_text, global_names
from ._describe import shape_text
from ._digest import short
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MISSING: Any = object()
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
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
    inner = inspect.unwrap(function)
    inner = getattr(inner, "__func__", inner)
    code = code_of(inner)
    if code is None:
        return None
    parts = [body_text(code), *_wrappers(function, inner), *_globals(inner), *_annotations(inner)]
    return _VERSION + short("\n".join(parts), length=7)


def _wrappers(function: Any, inner: Any) -> Iterator[str]:
    """Describe the decorators between memoise and the function; those of its module with bodies."""
    while function is not inner:
        function = getattr(function, "__func__", function)
        if isinstance(function, FunctionType) and function is not inner:
            code, names = function.__code__, function.__globals__
            yield f"{names.get('__name__')}.{code.co_name}"
            if names is getattr(inner, "__globals__", None):
                yield body_text(code)
        following = getattr(function, "__wrapped__", inner)
        if following is function:
            return
        function = following


def _globals(inner: Any) -> Iterator[str]:
    """Describe the globals that the function reads, if their values are part of what it does."""
    code = code_of(inner)
    names = getattr(inner, "__globals__", {})
    if code is None:
        return
    for name, attribute in sorted(set(global_names(code)), key=repr):
        if name.startswith("__"):
            continue
        value = names.get(name, _MISSING)
        is_ours = isinstance(value, ModuleType) and value.__name__ not in sys.stdlib_module_names
        if is_ours and attribute is not None:
            value = getattr(value, attribute, _MISSING)
            value = value if isinstance(value, _PLAIN) else _MISSING
        text = _text(name, value)
        if text is not None:
            yield f"{name}.{attribute} = {text}" if is_ours else f"{name} = {text}"


def _text(name: str, value: Any) -> str | None:
    """Describe a global: a constant, a lambda, the shape of a class."""
    if isinstance(value, type):
        return shape_text(value) if _has_fields(value) else None
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        return body_text(value.__code__)
    if _is_plain(value, may_change=name.isupper()):
        return constant_text(value)
    return None


def _is_plain(value: Any, may_change: bool) -> bool:
    """Return whether a value is a constant: plain, or a container of plain values."""
    if isinstance(value, (tuple, frozenset)):
        return all(_is_plain(member, may_change) for member in value)
    if may_change and isinstance(value, (list, set)):
        return all(_is_plain(member, may_change) for member in value)
    if may_change and isinstance(value, dict):
        return all(_is_plain(member, may_change) for pair in value.items() for member in pair)
    return isinstance(value, _PLAIN)


def _annotations(inner: Any) -> Iterator[str]:
    """Describe the shapes of the classes that the function is annotated with."""
    try:
        annotations = inspect.get_annotations(inner, eval_str=True)
    except Exception:  # names that only type checkers know
        return
    for annotation in annotations.values():
        for cls in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(cls, type) and _has_fields(cls):
                yield f"{cls.__qualname__}: {shape_text(cls)}"


def _has_fields(cls: type) -> bool:
    return any(hasattr(cls, name) for name in _FIELDS)


def script_of(function: Any) -> str | None:
    """Return ``folder/file`` of a function whose module is run, not imported; "" if in no file.

    Two programs may have such a module of one name: ``main.py``, or a notebook.
    """
    inner = inspect.unwrap(function)
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
