"""Classes that the user says how to store: ``outlive.register``, and ``dump=``/``load=``."""

from __future__ import annotations

import copy
from typing import Any

from .. import _core
from .._typing import TYPE_CHECKING
from .names import name_of, shown
from .problems import Mismatch, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

_families: dict[type, Custom] = {}
#: What a file calls the classes that were registered; some under the names that they had before.
_named: dict[str, type] = {}


def register(
    cls: type,
    *,
    dump: Callable[[Any], object] | None = None,
    load: Callable[[Any], Any] | None = None,
    name: str | None = None,
) -> None:
    """Say how instances of a class are stored, or under which name; every function may return them.

    Args:
        cls: The class.
        dump: What makes of an instance something that can be stored.
        load: What makes the instance of that.
        name: What a file calls the class: ``"old.module:Repo"`` for one that has moved. The default
            is its module, a colon and its name.

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
    """Return both, None if there are none.

    Raises:
        TypeError: one is missing, or cannot be called.
    """
    if dump is None and load is None:
        return None
    if not (callable(dump) and callable(load)):
        raise TypeError(f"{of}: dump= and load= are two callables, and one needs the other")
    return dump, load


def named(name: str) -> type | None:
    """Return the class that was registered under ``name``."""
    return _named.get(name)


def registered_name(cls: type) -> str | None:
    """Return under which name ``cls`` was registered last, None if it was not."""
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
        """Return the payload, of which the value was made again once.

        Raises:
            Refused: another one was made.
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
    """A copy, or the value itself: what could be copied once and cannot now is better shared."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def checked_dump(value: Any, dump: Callable[[Any], Any], load: Callable[[Any], Any]) -> Any:
    """Return what ``dump`` makes of ``value``, if ``load`` makes such a value of it again.

    Raises:
        Refused: it does not, or one of the two raises.
    """
    kind = shown(type(value))
    try:
        payload = dump(value)
        # Both may keep what they are given.
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
