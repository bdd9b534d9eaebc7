"""The classes that a file may ask for: those that the code names, and no others."""

from __future__ import annotations

import abc
import enum
import sys
from typing import Any

from .._naming import main_name
from .._typing import TYPE_CHECKING
from .._warnings import warn
from .annotations import Hole, of_fields, parts
from .code_names import model_bases
from .names import name_of, shown
from .problems import Mismatch, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Modules whose classes mean nothing as results: what typing is made of, and bare built-ins.
_PLAIN = frozenset({"builtins", "typing", "types", "abc", "collections.abc", "typing_extensions"})
#: The names that lead to no class, as they were told of.
_told: set[str] = set()


class Registry:
    """The classes of one function, found at the first store or load of an instance."""

    def __init__(self, of: str, roots: Callable[[], Iterable[Any]]) -> None:
        """Take the function's name for messages, and a callable that returns its annotations."""
        self.of = of
        self._roots = roots
        self._classes: dict[str, type] | None = None

    def find(self, name: str) -> type | None:
        """Return the class that files call ``name``; None if the code does not allow it."""
        found = self._known().get(name)
        return self._subclass(name) if found is None else found

    def name_for(self, cls: type) -> str:
        """Return the name of ``cls`` in files.

        Raises:
            Refused: instances of it could not be put together again.
        """
        name = name_of(cls)
        found = self.find(name)
        if found is cls:
            return name
        if "<locals>" in cls.__qualname__:
            raise Refused(
                f"{shown(cls)} is defined inside a function and cannot be found again",
                "define it in its module",
            )
        if found is not None:
            raise Refused(
                f"{shown(cls)} is another class than the one that its name leads to",
                "it was defined twice: make the result with the class of now",
            )
        raise Refused(
            f"{shown(cls)} is not among the classes that {self.of} is known to return",
            f'write "-> {cls.__qualname__}" or @memoise(types=({cls.__qualname__},))',
        )

    def _known(self) -> dict[str, type]:
        """The classes by name; readers see all of them or none."""
        classes = self._classes
        if classes is None:
            classes = {}
            for root in self._roots():
                _walk(root, classes)
            self._classes = classes
        return classes

    def _allow(self, cls: type) -> None:
        """Allow a class, and what its fields name."""
        classes = dict(self._known())
        _walk(cls, classes)
        self._classes = classes

    def _subclass(self, name: str) -> type | None:
        """The subclass of an allowed class that files call ``name``; mere bases do not count."""
        classes = self._known()
        pending = [cls for cls in classes.values() if _is_open(cls)]
        seen = set(pending)
        while pending:
            below: list[type] = type.__subclasses__(pending.pop())
            for cls in below:
                if name_of(cls) == name:
                    self._allow(cls)
                    return cls
                if cls not in seen:
                    seen.add(cls)
                    pending.append(cls)
        return None


def _walk(root: Any, classes: dict[str, type]) -> None:
    """Add the classes that an annotation names, and those that their fields name."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        part = pending.pop()
        if part is None or isinstance(part, Hole) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (list, tuple)):
            pending.extend(part)
        elif isinstance(part, enum.Enum):  # a Literal's
            pending.append(type(part))
        elif isinstance(part, type) and not hasattr(part, "__args__"):
            pending.extend(_taken(part, classes))
        pending.extend(parts(part))


def _taken(cls: type, classes: dict[str, type]) -> list[Any]:
    """Add a class; return the annotations of its fields if it was not known before."""
    name = name_of(cls)
    if cls.__module__ in _PLAIN or classes.get(name) is cls or not _is_concrete(cls):
        return []
    classes[name] = cls
    return list(of_fields(cls))


def _is_concrete(cls: type) -> bool:
    """Return whether a class is more than a base for others."""
    return cls not in model_bases() and cls not in (object, abc.ABC, enum.Enum, enum.Flag)


def _is_open(cls: type) -> bool:
    """Return whether an annotation of a class covers its subclasses."""
    is_protocol = cls.__dict__.get("_is_protocol", False)
    return _is_concrete(cls) and not is_protocol and abc.ABC not in cls.__bases__


def meant(given: Iterable[Any], of: str) -> Iterator[Any]:
    """Yield what ``types=`` means: classes, also those named ``"shop:Repo"`` or ``"shop.Repo"``.

    A name that leads to no class is skipped and told once: the others count.
    """
    for each in given:
        if not isinstance(each, str):
            yield each
            continue
        try:
            found = _imported(each)
        except Exception as error:  # a module may raise anything when it is imported
            _tell_missing(each, of, f"{type(error).__name__}: {error}")
            continue
        if isinstance(found, type) or hasattr(found, "__args__"):
            yield found
        else:
            _tell_missing(each, of, f"it is a {type(found).__name__}")


def _imported(name: str) -> Any:
    import importlib

    module, _, qualname = name.partition(":") if ":" in name else name.rpartition(".")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _tell_missing(name: str, of: str, why: str) -> None:
    message = f"types= of {of} names {name!r}, which is no class: {why}; the others count"
    if message not in _told:
        _told.add(message)
        warn("OutliveWarning", message)


def missing(name: str, of: str) -> Mismatch:
    """Return the error for a class that a file names and that does not exist."""
    module, _, qualname = name.partition(":")
    main = sys.modules.get("__main__")
    is_main = main is not None and main_name(vars(main)) == module
    there = main if is_main else sys.modules.get(module)
    if there is None:
        return Mismatch(f"no code has imported {module}, of which it is a {qualname}")
    # The name comes from the file: a module may import something when an attribute is asked for.
    found = vars(there).get(qualname.partition(".")[0])
    if found is None:
        return Mismatch(f"it is a {module}.{qualname}, which is not there any more")
    if issubclass(type(found), type) and name_of(found) != name and found.__qualname__ == qualname:
        return Mismatch(
            f"it is a {module}.{qualname}, which comes from {found.__module__} now; "
            f'outlive.register({qualname}, name="{name}") finds what is stored'
        )
    return Mismatch(
        f"it is a {module}.{qualname}, which is not among the classes that {of} is known to "
        f'return; write "-> {qualname}" or @memoise(types=({qualname},))'
    )
