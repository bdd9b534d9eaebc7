"""Owners of classes: a function, or a cache with all of its functions."""

from __future__ import annotations

from typing import Any

from .. import _core, _tags, _warnings
from .._typing import TYPE_CHECKING
from . import custom, families, kinds, names
from .annotations import innermost, returned
from .code_names import data_classes
from .problems import Mismatch, Refused
from .registry import Registry, meant, missing

if TYPE_CHECKING:
    from collections.abc import Iterable


#: The key of a result that the function's own ``dump=`` took apart.
OWN = "outlive:result"


class FunctionClasses:
    """The classes that the results of one function may have."""

    def __init__(self, registration: Any, function: Any, name: str) -> None:
        self.name = f"{name}()"
        self._registration = registration
        self.registry = Registry(self.name, lambda: self._roots(function))
        self._is_told = False

    def _roots(self, function: Any) -> Iterable[Any]:
        yield returned(function)
        yield from data_classes(function)
        yield from _defaults(innermost(function))
        cache = self._registration.cache.options
        own = self._registration.own.get("types", ())
        yield from meant(own if isinstance(own, (tuple, list)) else (own,), self.name)
        yield from meant(cache.types, self._registration.cache.label)

    def find(self, name: str) -> type | None:
        """Return the class that files call ``name``; None if the code does not allow it."""
        found = self.registry.find(name)
        if found is None and self._registration.cache.is_drop_in:
            # Functions of the drop-in share entries, whichever function made them.
            shared: type | None = self._registration.cache.classes.find(name)
            return shared
        return found

    def name_for(self, cls: type) -> str:
        """Return the name of ``cls`` in files; raise ``Refused`` if the code does not allow it."""
        return self.registry.name_for(cls)

    def _pair(self) -> tuple[Any, Any]:
        own = self._registration.own
        return own["dump"], own["load"]

    def dump_all(self, result: Any) -> Any:
        """Return the payload of a whole result, of a function with ``dump=`` and ``load=``."""
        return custom.checked_dump(result, *self._pair())

    def load_all(self, payload: Any) -> Any:
        """Return the result that was taken apart into ``payload``."""
        return self._pair()[1](payload)

    def tell(self, key: str, problem: object) -> None:
        """Warn once that a stored result is computed anew, and why."""
        if not self._is_told:
            self._is_told = True
            _warnings.warn(
                "ClassChangedWarning",
                f"the result of {self.name} for key {key} is computed anew, and others like it: "
                f"{problem}",
            )


def _defaults(function: Any) -> Iterable[Any]:
    """The classes that are defaults of parameters."""
    given = [*(getattr(function, "__defaults__", None) or ())]
    given += (getattr(function, "__kwdefaults__", None) or {}).values()
    return [v for v in given if isinstance(v, type) or type(v).__module__ in ("types", "typing")]


class CacheClasses:
    """The classes of all functions of a cache, for entries that are read without a function."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self.name = state.label
        self._is_told = False
        self._own: Registry | None = None
        self._own_types: tuple[Any, ...] = ()

    def _functions(self) -> list[FunctionClasses]:
        return [each._outlive_registration.classes for each in self._state.functions()]

    def find(self, name: str) -> type | None:
        """Return the class that files call ``name``; None if the code does not allow it."""
        for function in self._functions():
            found = function.registry.find(name)
            if found is not None:
                return found
        return self._of_the_cache().find(name)

    def _of_the_cache(self) -> Registry:
        """Return the classes of its own ``types=``, as they are now."""
        types = self._state.options.types
        if self._own is None or self._own_types is not types:
            self._own, self._own_types = Registry(self.name, lambda: meant(types, self.name)), types
        return self._own

    def name_for(self, cls: type) -> str:
        """Return the name of ``cls`` in files; raise ``Refused`` if the code does not allow it."""
        for function in self._functions():
            try:
                return function.name_for(cls)
            except Refused:
                continue
        return self._of_the_cache().name_for(cls)

    def tell(self, key: str, problem: object) -> None:
        """Warn once that an entry has no value, and why."""
        if not self._is_told:
            self._is_told = True
            _warnings.warn(
                "ClassChangedWarning", f"{self.name}: the entry {key} has no value here: {problem}"
            )


def dump(owner: Any, given: Any, value: Any) -> tuple[str | None, Any, str | None]:
    """Return tag and payload of an instance of a class; or None, a description, and advice."""
    cls = type(value)
    try:
        family = families.family_of(cls)
        name = custom.registered_name(cls) or kinds.name_of(cls)
        if name is None:
            if owner is None:
                raise Refused(names.shown(cls))
            name = _name_for(owner.classes, given, cls)
        return f"${name}", family.dump(value), None
    except Refused as refused:
        return None, refused.what, refused.advice
    except Exception as problem:  # code of the user's, such as a metaclass's
        return None, f"{names.shown(cls)}, of which looking at it raises {problem!r}", None


def dump_all(owner: Any, result: Any) -> tuple[str | None, Any, str | None]:
    """Do what ``dump`` does for the whole result of a function with ``dump=`` and ``load=``."""
    try:
        return f"${OWN}", owner.classes.dump_all(result), None
    except Refused as refused:
        return None, refused.what, refused.advice


def load(owner: Any, given: Any, name: str, payload: Any) -> Any:
    """Return the value that ``dump`` took apart.

    Raises:
        Mismatch: the code does not allow its class, or the class is another than it was.
    """
    if name == OWN and owner is not None:
        return owner.classes.load_all(payload)
    cls = custom.named(name)
    kind = None if cls is not None else kinds.named(name)
    if kind is not None:
        return kind.load(payload)
    if cls is None and owner is not None:
        cls = _find(owner.classes, given, name)
    if cls is None:
        raise missing(name, "it" if owner is None else owner.classes.name)
    try:
        return families.family_of(cls).load(payload)
    except Mismatch as mismatch:
        raise Mismatch(
            f"{cls.__module__}.{cls.__qualname__} is not what it was: {mismatch}"
        ) from None
    except Refused as refused:
        raise Mismatch(f"{refused.what} is not stored any more") from None


def _given(given: Any) -> Registry | None:
    """Return the classes that were passed to a call, and those of their fields; None if none."""
    return None if given is None else Registry("it", lambda: given)


def _find(classes: Any, given: Any, name: str) -> type | None:
    passed = _given(given)
    found = None if passed is None else passed.find(name)
    return classes.find(name) if found is None else found


def _name_for(classes: Any, given: Any, cls: type) -> str:
    passed = _given(given)
    name = None if passed is None else names.name_of(cls)
    if passed is not None and name is not None and passed.find(name) is cls:
        return name
    allowed: str = classes.name_for(cls)
    return allowed


def shape(cls: type) -> _core.Shape | None:
    """Return how instances of a class are copied; None for an unknown class."""
    if cls in _SHARED:
        return _SHARED[cls]
    try:
        return families.family_of(cls).shape
    except Refused:
        return None


def _shared_shapes() -> dict[type, _core.Shape]:
    """The shapes of types that have tags of their own and are no classes to a user."""
    return {cls: _core.Shape(cls, "shared") for cls in _tags.TYPES}


_SHARED = _shared_shapes()


def tell(owner: Any, key: str, problem: object) -> None:
    """Warn that no value could be made of an entry."""
    if owner is not None:
        owner.classes.tell(key, problem)
