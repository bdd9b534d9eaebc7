"""Carries entries to and from a mapping of the user's: ``Cache(store=mapping)``."""

from __future__ import annotations

import contextlib
import contextvars
import os
import re
import threading
from collections.abc import Iterable
from typing import Any

from ._digest import short

#: What the names of all entries begin with; other names in the mapping are not ours.
PREFIX = "outlive-"
#: The name of what digests of secrets are keyed with, and its key.
_SALT, _SALT_KEY = "outlive.salt", b"outlive:meta"
#: How many seconds a thread waits for the others that use the mapping.
_PATIENCE = 30.0
#: What a mapping must have.
_METHODS = ("__getitem__", "__setitem__", "__delitem__", "__iter__")
#: The carriers whose mapping this thread or task is calling.
_calling: contextvars.ContextVar[tuple[Carrier, ...]] = contextvars.ContextVar(
    "outlive_calling", default=()
)


class Carrier:
    """The only way to one mapping: one thread at a time, and never from within the mapping."""

    def __init__(self, mapping: Any) -> None:
        """Take a mapping of str to bytes.

        Raises:
            TypeError: it is no mapping that can be changed.
        """
        lacking = [name for name in _METHODS if not hasattr(type(mapping), name)]
        if lacking or hasattr(type(mapping), "memoise"):
            what = f"it has no {lacking[0]}" if lacking else "it is a cache itself"
            raise TypeError(
                f"store= takes a mapping of str to bytes that can be changed, such as "
                f"fsspec.get_mapper(...), not {type(mapping).__name__}: {what}"
            )
        self.mapping = mapping
        #: The mapping as messages name it.
        self.label = f"the mapping {type(mapping).__qualname__}"
        # It knows its owner: a signal's exception may come between taking it and knowing of it.
        self._lock, self._process = threading.RLock(), os.getpid()
        self._thread: int | None = None

    def name_of(self, key: bytes, function: bytes) -> str:
        """Return the name of an entry: short, and of characters that stand in any path or URL."""
        if key == _SALT_KEY:
            return _SALT
        return f"{self.start_of(function)}{short(key, length=32)}"

    def start_of(self, function: bytes) -> str:
        """Return what the names of all entries of a function begin with."""
        readable = re.sub(r"[^A-Za-z0-9_.]", "_", function.decode("utf-8", "replace"))[-60:]
        return f"{PREFIX}{readable}-{short(function, length=16)}-"

    def begin(self) -> tuple[Any] | None:
        """Wait for the mapping; None if it is the mapping that asks.

        Raises:
            TimeoutError: another thread has been calling the mapping all the time.
        """
        if self._is_asking():
            return None
        try:
            if not self._lock.acquire(timeout=_PATIENCE):
                raise TimeoutError(f"another thread has been using it for {_PATIENCE:g} s")
            self._thread = threading.get_ident()
            return (_calling.set((*_calling.get(), self)),)
        except BaseException:
            self.end(None)
            raise

    def end(self, token: tuple[Any] | None) -> None:
        """Let others have the mapping; without ``token``, after ``begin`` was cut off.

        A second call does nothing: a signal's exception may have cut the first one off.
        """
        if self._thread == threading.get_ident():
            self._thread = None
        with contextlib.suppress(RuntimeError):  # it is not this thread's
            self._lock.release()
        if token is not None:
            with contextlib.suppress(RuntimeError):  # it was reset before
                _calling.reset(token[0])

    def get(self, name: str) -> bytes | None:
        """Return what stands under ``name``; None if there is nothing."""
        if self._is_asking():
            return None
        token = None
        try:
            token = self.begin()
            value = self.mapping[name]
        except KeyError:
            return None
        finally:
            self.end(token)
        return bytes(value) if isinstance(value, (bytearray, memoryview)) else value

    def names(self, function: bytes | None) -> list[str]:
        """Return the names of all entries, of one function if one is given."""
        if self._is_asking():
            return []
        start = PREFIX if function is None else self.start_of(function)
        token = None
        try:
            token = self.begin()
            return [name for name in self._all_names() if name.startswith(start)]
        finally:
            self.end(token)

    def _all_names(self) -> list[str]:
        """List the names that are text; ``dbm`` lists them as bytes, and may have only ``keys``."""
        listed = self.mapping if isinstance(self.mapping, Iterable) else self.mapping.keys()
        names = (n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in list(listed))
        return [name for name in names if isinstance(name, str)]

    def _is_asking(self) -> bool:
        """Return whether it is the mapping that asks."""
        if os.getpid() != self._process:  # who held the lock has not come along
            self._lock, self._process, self._thread = threading.RLock(), os.getpid(), None
        return self in _calling.get() or self._thread == threading.get_ident()

    def put(self, name: str, value: bytes) -> None:
        """Put an entry down; to be called between ``begin`` and ``end``."""
        self.mapping[name] = value

    def remove(self, name: str) -> None:
        """Take an entry out, if it is there; to be called between ``begin`` and ``end``."""
        try:
            del self.mapping[name]
        except KeyError:
            return

    def clear(self) -> None:
        """Take all entries out; to be called between ``begin`` and ``end``."""
        for name in self._all_names():
            if name.startswith(PREFIX) or name == _SALT:
                self.remove(name)
