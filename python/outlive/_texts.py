"""The text of any value, as far as it has one: for closures, and for the contents of classes.

An argument without a key is refused. Here it is skipped, or only its class is named: a client in a
closure does not keep a function from being memoised.
"""

from __future__ import annotations

import _thread
import functools
import re
import sys
import types

from . import _core
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: Values nested more deeply than this have no text.
_DEPTH = 20
#: Classes that Python code made.
_HEAP_TYPE = 1 << 9
#: What ``"a".upper`` and ``"a".__add__`` are.
BOUND_IN_C: tuple[Any, ...] = (types.BuiltinMethodType, types.MethodWrapperType)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def text_of(value: object) -> str | None:
    """Return what tells ``value`` from others; None if nothing does, as for a lock."""
    return _Reader().text(value, 0)


def tells_all(value: object) -> bool:
    """Return whether ``text_of`` returns equal texts only for values that are as good as equal."""
    reader = _Reader()
    return reader.text(value, 0) is not None and reader.is_complete


def without_addresses(text: str) -> str:
    """Return ``text`` without the memory addresses that objects may show in it."""
    return _ADDRESS.sub("", text)


def contents(cell: types.CellType) -> Any:
    """Return what ``cell`` holds; None if it is still empty."""
    try:
        return cell.cell_contents
    except ValueError:  # it is set later
        return None


class UnderWay(_thread._local):
    """The values being looked at in this thread, as a value may lead to itself."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, value: object, look: Callable[[Any], str]) -> str:
        """Return ``look(value)``, or "" if that is under way."""
        if id(value) in self._seen:
            return ""
        self._seen.add(id(value))
        try:
            return look(value)
        finally:
            self._seen.discard(id(value))


class _Reader:
    """Reads one value and everything in it."""

    def __init__(self) -> None:
        #: Whether nothing was passed over.
        self.is_complete = True

    def text(self, value: Any, depth: int) -> str | None:
        """The text of ``value``; None if there is none."""
        if isinstance(value, types.ModuleType):
            return value.__name__
        try:
            return _core.canonical(value)
        except Exception:  # code of the user's, such as a __memo_key__, may raise anything
            return None if depth > _DEPTH else self._of_parts(value, depth)

    def _of_parts(self, value: Any, depth: int) -> str | None:
        cls = type(value)
        if cls in (list, tuple):
            return f"{cls.__name__}({self._all(value, depth)})"
        if cls in (set, frozenset):
            return f"{cls.__name__}({sorted(self._part(member, depth) for member in value)})"
        if cls is dict:
            pairs = [(self._part(k, depth), self._part(v, depth)) for k, v in list(value.items())]
            return f"dict({sorted(pairs)})"
        if cls is functools.partial:
            return f"partial({self._all([value.func, list(value.args), value.keywords], depth)})"
        if cls is types.MethodType:
            return f"method({self._all([value.__func__, value.__self__], depth)})"
        if cls in BOUND_IN_C:
            return f"method({value.__qualname__}, {self._part(value.__self__, depth)})"
        return self._of_instance(value, cls)

    def _all(self, values: Iterable[object], depth: int) -> str:
        return ", ".join(self._part(value, depth) for value in values)

    def _part(self, value: object, depth: int) -> str:
        text = self.text(value, depth + 1)
        if text is None:
            self.is_complete = False
            return _core.class_name(type(value))
        return text

    def _of_instance(self, value: Any, cls: type) -> str | None:
        """An instance by its attributes if all have a key, else its class alone."""
        if not cls.__flags__ & _HEAP_TYPE or _is_of_python(cls):
            self.is_complete = False
            return None
        name = _core.class_name(cls)
        try:
            return f"{name}({_core.canonical(attributes_of(value))})"
        except Exception:  # it holds a session, a lock
            self.is_complete = False
            return name


def full_name(cls: type) -> str:
    """Return the module and name of a class, as every version of Python but 3.13 has them."""
    # 3.13 alone has the classes of pathlib in a module inside.
    module = "pathlib" if cls.__module__ == "pathlib._local" else cls.__module__
    return f"{module}.{cls.__qualname__}"


def _is_of_python(cls: type) -> bool:
    """Whether a class is of the standard library: ``os.environ`` differs in each run."""
    return cls.__module__.partition(".")[0] in sys.stdlib_module_names


def attributes_of(value: Any) -> dict[str, Any]:
    """What an instance holds, without running code of its class."""
    held: dict[str, Any] = {}
    cls = type(value)
    for base in cls.__mro__:
        for name, member in list(vars(base).items()):
            if type(member) is types.MemberDescriptorType and base.__flags__ & _HEAP_TYPE:
                held[name] = member.__get__(value, cls)
    own: dict[str, Any] = object.__getattribute__(value, "__dict__") if _has_dict(cls) else {}
    return held | own


def _has_dict(cls: type) -> bool:
    return cls.__dictoffset__ != 0
