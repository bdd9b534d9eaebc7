"""How users store classes of their own: ``outlive.register``, and ``dump=``/``load=``."""

from __future__ import annotations

import copy
from typing import Any

from .. import _core
from .._answering import answering
from .._typing import TYPE_CHECKING
from .names import name_of, shown
from .problems import Mismatch, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

_families: dict[type, Custom] = {}
#: The registered classes by their names in files, some of which are earlier names.
_named: dict[str, type] = {}


def register(
    cls: type,
    *,
    dump: Callable[[Any], object] | None = None,
    load: Callable[[Any], Any] | None = None,
    name: str | None = None,
) -> None:
    """Register how instances of a class are stored. Every function may then return them.

    Args:
        cls: The class.
        dump: A callable that takes an instance and returns a value that can be stored. None
            (default): instances are stored by their attributes.
        load: A callable that takes what ``dump`` returned and returns an equal instance.
        name: The name of the class in files, such as ``"old.module:Repo"`` for one that has moved.
            None (default): its module, a colon and its qualified name.

    Raises:
        TypeError: ``cls`` is no class, or one of ``dump`` and ``load`` is missing.
        ValueError: ``name`` has no colon.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register takes a class, not {cls!r}")
    pair = checked_pair(dump, load, "register")
    name = name_of(cls) if name is None else name
    module, colon, qualname = name.partition(":")
    if not (module and colon and qualname) or module.startswith("$"):
        raise ValueError(f'name={name!r}: must be like "module:{cls.__qualname__}"')
    from . import families

    _named[name] = cls
    if pair is not None:
        _families[cls] = Custom(cls, *pair)
    families.forget(cls)


def checked_pair(
    dump: Any, load: Any, of: str
) -> tuple[Callable[[Any], object], Callable[[Any], Any]] | None:
    """Return the two callables, None if neither is given.

    Raises:
        TypeError: one is missing, or cannot be called.
    """
    if dump is None and load is None:
        return None
    if not (callable(dump) and callable(load)):
        raise TypeError(f"{of}: dump= and load= are two callables, and one needs the other")
    return answering(dump, "dump"), answering(load, "load")


def named(name: str) -> type | None:
    """Return the class that was registered under ``name``."""
    return _named.get(name)


def registered_name(cls: type) -> str | None:
    """Return the name under which ``cls`` was registered last, None if it was not."""
    own = name_of(cls)
    if _named.get(own) is cls:
        return own
    return next((name for name, found in _named.items() if found is cls), None)


def family(cls: type) -> Custom | None:
    """Return how instances of ``cls`` are stored if it was registered with ``dump``, else None."""
    return _families.get(cls)


class Custom:
    """The instances of one class, taken apart and put together by the user's callables."""

    def __init__(self, cls: type, dump: Callable[[Any], Any], load: Callable[[Any], Any]) -> None:
        self.cls = cls
        self._pair = dump, load
        self.shape = _core.Shape(cls, "whole", copier=self._copied)

    def dump(self, value: Any) -> Any:
        """Return the payload, once ``load`` has made an equal value of it.

        Raises:
            Refused: ``load`` makes another value.
        """
        return checked_dump(value, *self._pair)

    def load(self, payload: Any) -> Any:
        """Return the value."""
        value = self._pair[1](payload)
        if type(value) is not self.cls:
            raise Mismatch(f"load= made a {shown(type(value))} of it")
        return value

    def _copied(self, value: Any) -> Any:
        dump, load = self._pair
        try:
            return load(copy.deepcopy(dump(value)))
        except Exception:  # a hit raises nothing on account of the cache
            return _deep_copy(value)


def _deep_copy(value: Any) -> Any:
    """Return a copy, or the value itself if it cannot be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def checked_dump(value: Any, dump: Callable[[Any], Any], load: Callable[[Any], Any]) -> Any:
    """Return what ``dump`` makes of ``value``, once ``load`` has made an equal value of it.

    Raises:
        Refused: ``load`` makes another value, or one of the two raises.
    """
    kind = shown(type(value))
    try:
        payload = dump(value)
        # Both callables may keep what they are given.
        again = load(copy.deepcopy(payload))
        made = shown(type(again))
        if type(again) is not type(value):
            raise Refused(f"{kind}, of which load= makes a {made}", f"it must make a {kind}")
        text = copy.deepcopy(dump(again))
    except Refused:
        raise
    except Exception as problem:
        raise Refused(f"{kind}, of which dump= or load= raises {problem!r}", "mend these") from None
    if not _same(payload, text):
        raise Refused(
            f"{kind}, of which load= makes one that dump= takes apart into something else",
            "what one forgets the other cannot give back",
        )
    return payload


def _same(one: Any, other: Any) -> bool:
    try:
        return _core.canonical(one) == _core.canonical(other)
    except TypeError:  # values of classes that are no arguments
        return type(one) is type(other) and bool(one == other)
