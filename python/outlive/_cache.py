"""A cache of one's own: a mapping, a context manager and a decorator."""

from __future__ import annotations

import atexit
import functools
import os
import threading
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import _core, _decorator, _modes, _options
from ._warnings import warn

_OPTIONS = _options.OPTION_NAMES - {"maxsize"}
_cores: weakref.WeakValueDictionary[str, _core.Cache] = weakref.WeakValueDictionary()
_cores_lock = threading.Lock()
_open: weakref.WeakSet[_core.Cache] = weakref.WeakSet()


class Cache(MutableMapping[str, Any]):
    """Results kept in one JSON file (or in memory), by key text.

    Nothing is read or written before the first use. Two caches on one path in one process share
    their entries. Every result is on disk before the caller gets it.
    """

    #: Whether a key is the first argument alone and functions share entries.
    is_drop_in = False

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        app: str | None = None,
        mode: str | None = None,
        durability: str = "flush",
        maxsize: int | None = None,
        max_bytes: int | None = None,
        **options: Any,
    ) -> None:
        """Name the file and the defaults of the functions that are memoised in it.

        Args:
            path: The JSON file; a relative one counts from the working directory of now.
                None keeps everything in memory.
            app: Instead of ``path``: the file ``cache.json`` in the platform's cache folder of
                this application.
            mode: "on", "off", "refresh", "offline" or "readonly"; the default is what the
                environment variable OUTLIVE_MODE says, else "on".
            durability: "flush" (a result survives the end of the process, however it ends) or
                "fsync" (it survives the loss of power).
            maxsize: How many entries the whole cache may have; the least recently used goes.
            max_bytes: How many bytes the texts of all results may have together.
            **options: Defaults for ``memoise``: copy, ttl, refresh_after, stale_if_error, cache_if, cache_errors, on_unstorable, clock.

        Raises:
            TypeError: an option is unknown or of the wrong type.
            ValueError: an option has a value that means nothing.
        """
        _options.refuse_unknown(options, _OPTIONS, "Cache")
        self.options = _options.checked(_options.Options(), options)
        self.functions: weakref.WeakValueDictionary[str, _core.Memoised] = (
            weakref.WeakValueDictionary()
        )
        _options.one_of(durability, ("flush", "fsync"), "durability")
        self.core = _core_of(_path_of(path, app), durability == "fsync", self.is_drop_in)
        limits = {"maxsize": maxsize, "max_bytes": max_bytes}
        checked = {name: _options.limit(value, name) for name, value in limits.items()}
        if maxsize is not None or max_bytes is not None:
            self.core.limit(**checked)
        if mode is not None:
            self.core.mode = _options.one_of(mode, _options.MODES, "mode")

    @property
    def path(self) -> str | None:
        """The file, or None for a cache in memory."""
        return None if self.core.path is None else str(self.core.path)

    @property
    def label(self) -> str:
        """The file as messages name it."""
        return self.path or "a cache in memory"

    def memoise(self, function: Any = None, /, **options: Any) -> Any:
        """Keep the results of ``function``: ``@cache.memoise`` or ``@cache.memoise(ttl="1h")``.

        Args:
            function: What to memoise; without it a decorator is returned.
            **options: See the README's table: copy, ttl, refresh_after, stale_if_error, maxsize,
                cache_if, cache_errors, on_unstorable, key, ignore, secret, name, version.

        Raises:
            TypeError: an option is unknown or of the wrong type, or the function cannot be
                memoised (a generator).
            ValueError: an option has a value that means nothing.
        """
        return _decorator.decorate(self, function, options)

    memoize = memoise

    def mode(self, mode: str) -> AbstractContextManager[None]:
        """Let a mode hold in this thread or task for the length of a ``with`` block.

        Raises:
            ValueError: there is no such mode.
        """
        return _modes.overriding(self.core, _options.one_of(mode, _options.MODES, "mode"))

    def save(self) -> None:
        """Write the file now, if anything changed. Trouble is a ``CacheFileWarning``."""
        self.core.save()

    def close(self) -> None:
        """Save and let go of the file; the next use opens it again. May be called repeatedly."""
        self.core.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def _entries(self) -> _core.Cache:
        """What the mapping shows: switched off, a memory of its own instead of the file."""
        mode = _modes.current(self.core) or self.core.mode
        return self._aside if mode == "off" else self.core

    @functools.cached_property
    def _aside(self) -> _core.Cache:
        return _core_of(None, fsync=False, ascii=self.is_drop_in)

    def __getitem__(self, key: str) -> Any:
        return self._entries[self._text(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._entries[self._text(key)] = value

    def __delitem__(self, key: str) -> None:
        del self._entries[self._text(key)]

    def __contains__(self, key: object) -> bool:
        try:
            return self._text(key) in self._entries
        except TypeError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries.keys())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._entries.keys())

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Cache):
            return self.core is other.core or dict(self) == dict(other)
        return dict(self) == other if isinstance(other, dict) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content, like a dict

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the newest entry, as a dict does.

        Raises:
            KeyError: there is no entry.
        """
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("the cache is empty")

    def clear(self) -> None:
        """Forget everything, in the file too."""
        self._entries.clear()

    def __repr__(self) -> str:
        place = repr(self.path) if self.path else "in memory"
        return f"<{self._title} {place}: {len(self)} entries>"

    _title = "outlive.Cache"

    def _text(self, key: object) -> str:
        """The key text of what stands between brackets."""
        if isinstance(key, str):
            return key
        raise TypeError(f"keys are texts, as f.cache_key(...) gives them, not {key!r}")

    def reconfigure(self, options: dict[str, Any]) -> None:
        """Change the defaults, also of functions that were memoised before."""
        self.options = _options.checked(self.options, options)
        for memoised in list(self.functions.values()):
            _decorator.renew_options(self, memoised)

    def count(self, memoised: _core.Memoised) -> int:
        """How many entries ``memoised`` has."""
        return sum(1 for _ in self._keys_of(memoised))

    def clear_function(self, memoised: _core.Memoised) -> None:
        """Forget all entries of ``memoised``."""
        for key in list(self._keys_of(memoised)):
            self.pop(key, None)

    def _keys_of(self, memoised: _core.Memoised) -> Iterator[str]:
        start = f"{memoised.name}("
        return (key for key in self if key.startswith(start))


def _path_of(path: str | os.PathLike[str] | None, app: str | None) -> str | None:
    if app is not None:
        if path is not None:
            raise TypeError("give either a path or app=, not both")
        from platformdirs import user_cache_path

        path = user_cache_path(app) / "cache.json"
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a cache's path is a text or a path, not {type(path).__name__}")
    return str(Path(os.path.abspath(path)))


def _core_of(path: str | None, fsync: bool, ascii: bool) -> _core.Cache:
    """The one native cache of this process on ``path``."""
    make: Callable[[], _core.Cache] = lambda: _core.Cache(  # noqa: E731
        path,
        ascii=ascii,
        fsync=fsync,
        mode=_modes.of_environment(),
        overridden=_modes.current,
        warn=warn,
    )
    if path is None:
        return make()
    with _cores_lock:
        core = _cores.get(path)
        if core is None:
            core = _cores[path] = make()
            _open.add(core)
        return core


def _leave() -> None:
    """Save what is open when the interpreter ends, in the process that opened it."""
    for core in list(_open):
        core.end()


atexit.register(_leave)
