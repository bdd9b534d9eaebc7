"""The classes that annotations name: evaluated late, with placeholders for unknown names.

A name may be known to type checkers alone (``if TYPE_CHECKING:``). What it stands for never gets
here; all other names in the annotation still count.
"""

from __future__ import annotations

import builtins
import inspect
import sys
from typing import Any

from .._layers import has_any_attribute
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


#: What is shown of a function whose attributes mean nothing: it has none.
_OPAQUE = object()


class Hole:
    """A placeholder for an unknown name; every operation on it gives a placeholder."""

    def __getattr__(self, name: str) -> Hole:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _index: object) -> Hole:
        return self

    def __call__(self, *_args: object, **_kwargs: object) -> Hole:
        return self

    def __or__(self, other: object) -> Both:
        return Both(self, other)

    def __ror__(self, other: object) -> Both:
        return Both(self, other)


class Both:
    """A union with a placeholder as a member."""

    def __init__(self, *members: object) -> None:
        self.__args__ = members

    def __or__(self, other: object) -> Both:
        return Both(*self.__args__, other)

    def __ror__(self, other: object) -> Both:
        return Both(*self.__args__, other)

    def __call__(self) -> None:
        """Do nothing: ``typing`` accepts only callables as types."""


class _Names(dict[str, Any]):
    """A namespace in which unknown names are placeholders."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, None) or Hole()


def evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    """Return the meaning of an annotation, which may be a str."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(text, str):
        return annotation
    try:
        return eval(text, {"__builtins__": {}}, _Names(names))
    except Exception:  # an annotation is anybody's expression, and may mean anything
        return Hole()


def own(thing: Any) -> dict[str, Any]:
    """Return the annotations of a function or class as they are written."""
    if sys.version_info >= (3, 14):
        import annotationlib

        try:
            return annotationlib.get_annotations(thing, format=annotationlib.Format.FORWARDREF)
        except Exception:  # code of the user's
            return {}
    try:
        return inspect.get_annotations(thing)
    except (TypeError, ValueError):  # it has none, or something else in their place
        return {}


def returned(function: Any) -> Any:
    """Return the return annotation of ``function``, a placeholder if there is none."""
    inner = innermost(function)
    annotation = own(inner).get("return", Hole())
    return evaluated(annotation, names_of(inner))


def innermost(function: Any) -> Any:
    """Return the function itself, without its wrappers."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        # A server's proxy has no end of attributes, and none of them is of a function: whoever is
        # called with one, or looks into it, asks the server.
        if has_any_attribute(function):
            return _OPAQUE
        if hasattr(function, "func") and not inspect.isfunction(function):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif (wrapped := getattr(function, "__wrapped__", None)) is not None:
            function = wrapped
        else:
            call = getattr(type(function), "__call__", None)  # noqa: B004 - the method is wanted
            if inspect.isroutine(function) or not inspect.isfunction(call):
                return function
            function = call
    return function


def names_of(function: Any) -> dict[str, Any]:
    """Return the namespace of a function's annotations."""
    names = dict(getattr(function, "__globals__", {}))
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code else (), cells, strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # it is set later
            continue
    for parameter in getattr(function, "__type_params__", ()):
        names[parameter.__name__] = parameter
    return names


def parts(annotation: Any) -> Iterator[Any]:
    """Yield the parts of an annotation: the members of a union, the arguments of a generic."""
    for name in ("__origin__", "__value__", "__bound__", "__supertype__"):
        part = getattr(annotation, name, None)
        if part is not None and not isinstance(part, str):
            yield part
    for name in ("__args__", "__constraints__"):
        found = getattr(annotation, name, None)
        if isinstance(found, tuple):
            yield from found
    generic = getattr(annotation, "__pydantic_generic_metadata__", None)
    if isinstance(generic, dict):
        yield from (generic.get("origin"), *(generic.get("args") or ()))


def of_fields(cls: type) -> Iterator[Any]:
    """Yield the annotations of the fields of a class."""
    model_fields = cls.__dict__.get("__pydantic_fields__")
    if isinstance(model_fields, dict):
        for field in model_fields.values():
            yield evaluated(field.annotation, _module_names(cls))
    for base in cls.__mro__:
        if base.__module__ in ("builtins", "typing", "abc", "pydantic.main", "enum"):
            continue
        names = _module_names(base)
        for annotation in own(base).values():
            yield evaluated(annotation, names)


def _module_names(cls: type) -> dict[str, Any]:
    module = sys.modules.get(cls.__module__)
    return {**vars(module), **cls.__dict__} if module is not None else dict(cls.__dict__)
