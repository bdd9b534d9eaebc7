"""The functions that the native half calls, handed over once when the package is imported.

They import on demand: the modules behind them take longer to import than outlive itself.
"""

from __future__ import annotations

import _thread  # built in; at the interpreter's end nothing is imported any more
import sys

from . import _core
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._exceptions import CacheMiss, StoreError

#: What says whether a level is logged, once a program that logs has asked.
_is_enabled: Callable[[int], bool] | None = None
#: The level of misses and stores: ``logging.DEBUG``.
_DEBUG = 10


def import_all() -> None:
    """Import what calls import on demand: a thread's stack may be too small for an import."""
    from . import _later

    _later.import_all()


def pack(value: object) -> tuple[str, Any] | None:
    """Return tag and payload of a value of the standard library's types, None for any other."""
    from . import _tags

    return _tags.pack(value)


def unpack(tag: str, payload: Any) -> Any:
    """Return the value that ``pack`` took apart.

    Raises:
        ValueError: ``payload`` is not what ``pack`` makes for this tag.
    """
    from . import _tags

    return _tags.unpack(tag, payload)


def dump(owner: Any, given: Any, value: object) -> tuple[str | None, Any, str | None]:
    """Return tag and payload of an instance of a class; or None, a description, and advice."""
    from ._classes import owners

    return owners.dump(owner, given, value)


def dump_all(owner: Any, result: object) -> tuple[str | None, Any, str | None]:
    """Do what ``dump`` does for the whole result of a function with ``dump=`` and ``load=``."""
    from ._classes import owners

    return owners.dump_all(owner, result)


def plain(value: object) -> Any:
    """Return ``value`` as ``json.dumps`` writes it; raises ``TypeError`` if that does not."""
    import json

    return json.loads(json.dumps(value))


def load(owner: Any, given: Any, name: str, payload: Any) -> Any:
    """Return the value that ``dump`` took apart; raises an ``Exception`` if that is impossible."""
    from ._classes import owners

    return owners.load(owner, given, name, payload)


def shape(cls: type) -> _core.Shape | None:
    """Return how instances of a class are copied, None for one that is not known."""
    from ._classes import owners

    return owners.shape(cls)


def tell_class(owner: Any, key: str, problem: object) -> None:
    """Warn that no value could be made of the entry of ``key``."""
    from ._classes import owners

    owners.tell(owner, key, problem)


def long_int(digits: str) -> int:
    """Return the integer of ``digits``, which may be any number of decimal digits."""
    from . import _tags

    return _tags.long_int(digits)


def describe(value: object) -> tuple[str, Any] | None:
    """Return the kind of an argument and what identifies it in that kind; None if unknown."""
    from . import _describe

    return _describe.describe(value)


def class_mark(cls: type) -> str:
    """Return a digest of the shape of a class; "" if its name leads to it in every process."""
    from . import _class_shape

    return _class_shape.class_mark(cls)


def namesake_mark(cls: type) -> str:
    """Return a digest of a class whose name leads to another class or to none, else ""."""
    from . import _class_shape

    return _class_shape.namesake_mark(cls)


def key_advice(value: object, name: str) -> str:
    """Return advice for an argument that has no key."""
    from . import _describe

    return _describe.advice(value, name)


def digest(data: bytes) -> str:
    """Return a digest of ``data``, 26 characters."""
    from . import _digest

    return _digest.short(data, length=26)


def module_name(named: Callable[..., Any]) -> str:
    """Return the name under which the module of a function or class is imported."""
    from . import _naming

    return _naming.module_name(named)


def thread_identifier() -> int:
    """Return the identifier of this thread."""
    return _thread.get_ident()


def thread_name(identifier: int) -> str:
    """Return the name of the thread with this ``identifier``, for messages."""
    import threading

    names = [thread.name for thread in threading.enumerate() if thread.ident == identifier]
    return f"thread {names[0]!r}" if names else f"thread {identifier}"


def greenlet_number(fresh: int) -> int | None:
    """Return the number of the running greenlet, ``fresh`` if it has none; None without a hub."""
    from . import _greenlets

    return _greenlets.number(fresh)


def greenlet_sleep(seconds: float) -> None:
    """Sleep for this many seconds while other greenlets of this thread run."""
    from . import _greenlets

    _greenlets.sleep(seconds)


def store_error(why: str) -> StoreError:
    """Return the exception for a server that cannot be used."""
    from . import _exceptions

    return _exceptions.StoreError(why)


def cache_miss(core: _core.Cache, function: str, start: str, key: str) -> CacheMiss:
    """Return the exception for a miss in a mode that computes nothing."""
    from . import _exceptions, _modes, _nearest

    nearest = _nearest.nearest(key, start, core.entries.keys())
    return _exceptions.cache_miss(function, key, nearest, _modes.of(core))


def check_frozen(core: _core.Cache) -> None:
    """Raise ``ValueError`` if the file of a frozen cache is not what its digest says."""
    from . import _frozen

    _frozen.check(core)


def is_logging() -> bool:
    """Return whether misses and stores are logged; each of them asks."""
    global _is_enabled
    if _is_enabled is None:
        from logging import getLogger  # the program has imported it

        _is_enabled = getLogger("outlive").isEnabledFor
    return _is_enabled(_DEBUG)


def reduce(memoised: _core.Memoised) -> Any:
    """Return the pickled form of a memoised function for the pickler that asks."""
    from . import _shipping

    return _shipping.reduce(memoised, sys._getframe(1))


def enter_call(core: _core.Cache, key: str | None) -> object:
    """Note that a call begins, and the key of the result that it replaces."""
    from . import _previous

    return _previous.enter(core, key)


def leave_call(token: Any) -> None:
    """Undo ``enter_call``."""
    from . import _previous

    _previous.leave(token)


_core.hand_over(sys.modules[__name__])
