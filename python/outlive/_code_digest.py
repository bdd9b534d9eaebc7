"""Digests the code of a function, to detect that it was edited since a result was made."""

from __future__ import annotations

import inspect
import os
import sys

from ._class_shape import shape_text
from ._code import body_text, code_of
from ._constants import constants, has_fields
from ._digest import short
from ._layers import called_of, innermost, layers
from ._texts import text_of
from ._typing import TYPE_CHECKING
from ._wrappers import hands_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

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
    parts = [body_text(code), *_wrappers(function, inner), *constants(inner), *_annotations(inner)]
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


def _annotations(inner: Any) -> Iterator[str]:
    """Describe the shapes of the classes in the annotations of the function, and of their parts."""
    waiting, seen = _annotated(inner), set()
    while waiting:
        annotation = waiting.pop(0)
        waiting += getattr(annotation, "__args__", ())
        if isinstance(annotation, type) and has_fields(annotation) and annotation not in seen:
            seen.add(annotation)
            yield f"{annotation.__qualname__}: {shape_text(annotation)}"
            waiting += _annotated(annotation)


def _annotated(of: Any) -> list[Any]:
    try:
        return list(inspect.get_annotations(of, eval_str=True).values())
    except Exception:  # names that only type checkers know
        return []


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
