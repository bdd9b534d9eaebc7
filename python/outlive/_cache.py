"""A cache of one's own: a mapping, a context manager and a decorator."""

from __future__ import annotations

import os

from . import _durations, _modes, _options, _registry
from ._cache_state import CacheState
from ._look import LookInside
from ._mapping import CacheMapping
from ._typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Callable,
        Coroutine,
        Iterable,
        Iterator,
    )
    from contextlib import AbstractContextManager
    from typing import Any, Literal, NoReturn

    from typing_extensions import Self, Unpack

    from . import _core
    from ._hooks import Event
    from ._types import (
        CacheOptions,
        Decorator,
        Durability,
        Duration,
        FunctionOptions,
        MapOptions,
        Memoised,
        Mode,
        P,
        R,
        S,
    )

CACHE_OPTIONS = _options.OPTION_NAMES - {"maxsize", "dump", "load"}
#: What ``Cache`` takes beside ``CACHE_OPTIONS``.
_OF_THE_CACHE = {
    *("path", "app", "fallback", "mode", "durability", "maxsize", "max_bytes"),
    *("on_hit", "on_miss", "on_store"),
}
#: What only one function can have.
OF_FUNCTIONS = dict.fromkeys(
    ("key", "ignore", "secret", "name", "version", "dump", "load"), "memoise"
)


class Cache(LookInside, CacheMapping):
    """Results kept in one JSON file (or in memory), by key text.

    Nothing is read or written before the first use. Every result is on disk before the caller gets
    it. Several objects on one path share the entries, and each has options, a mode and limits of
    its own.
    """

    _title = "outlive.Cache"
    _state_type = CacheState

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        app: str | None = None,
        fallback: str | os.PathLike[str] | None = None,
        mode: Mode | None = None,
        durability: Durability = "flush",
        maxsize: int | None = None,
        max_bytes: int | None = None,
        on_hit: Callable[[Event], object] | None = None,
        on_miss: Callable[[Event], object] | None = None,
        on_store: Callable[[Event], object] | None = None,
        **options: Unpack[CacheOptions],
    ) -> None:
        """Name the file and the defaults of the functions that are memoised in it.

        Args:
            path: The JSON file; a relative one counts from the working directory of now.
                None keeps everything in memory.
            app: Instead of ``path``: the file ``cache.json`` in the platform's cache folder of
                this application.
            fallback: A second cache file, which is only read: what this cache lacks is looked up
                there, as if it stood here. It is read once, at the first use.
            mode: "on", "off", "refresh", "offline" or "readonly"; the default is what the
                environment variable OUTLIVE_MODE says, else "on".
            durability: "flush" (default: a result survives the end of the process, however it
                ends) or "fsync" (it survives the loss of power).
            maxsize: How many entries the whole cache may have after a result is stored through this
                object; the least recently used goes. None (default): any number.
            max_bytes: How many bytes the texts of all results may have together then; None
                (default): any number.
            on_hit: Called with an ``outlive.Event`` for each call that is served; it makes hits
                as slow as a dict of Python's.
            on_miss: Called with an ``outlive.Event`` before a result is computed.
            on_store: Called with an ``outlive.Event`` when a result was kept.
            **options: Defaults for ``memoise``: copy, ttl, refresh_after, stale_if_error, cache_if,
                cache_errors, on_unstorable, on_code_change, cost, meta, depends; and clock, a
                callable that tells the time in seconds since 1970, for tests.

        Raises:
            TypeError: an option is unknown or of the wrong type.
            ValueError: an option has a value that means nothing, ``path`` is empty, or another
                object on this path has another limit or is less durable.
        """
        _options.refuse_unknown(options, CACHE_OPTIONS | _OF_THE_CACHE, "Cache", OF_FUNCTIONS)
        defaults = _options.checked(_options.Options(), options)
        _options.refuse_meaningless(defaults, {"ttl", "refresh_after"}, "Cache")
        _options.one_of(durability, ("flush", "fsync"), "durability")
        file = _registry.path_of(path, app)
        core = _registry.core_of(file, durability == "fsync", self._state_type.is_drop_in)
        behind = None if fallback is None else _registry.lend_to(core, fallback)
        self._state = self._state_type(core, defaults)
        self._state.made_by = (
            type(self),
            {"path": file if app is None else None, "app": app, "fallback": behind, "mode": mode}
            | {"durability": durability, "maxsize": maxsize, "max_bytes": max_bytes, **options},
        )
        self._state.set_limits(
            maxsize=_options.limit(maxsize, "maxsize"),
            max_bytes=_options.limit(max_bytes, "max_bytes"),
        )
        if mode is not None:
            core.mode = _modes.checked(mode)
        self._show_calls(on_hit=on_hit, on_miss=on_miss, on_store=on_store)

    @property
    def path(self) -> str | None:
        """The file, or None for a cache in memory."""
        return self._state.path

    @overload
    def memoise(
        self, function: classmethod[S, P, R], /, **options: Unpack[FunctionOptions]
    ) -> classmethod[S, P, R]: ...
    @overload
    def memoise(  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
        self, function: staticmethod[P, R], /, **options: Unpack[FunctionOptions]
    ) -> staticmethod[P, R]: ...
    @overload
    def memoise(
        self, function: Callable[P, R], /, **options: Unpack[FunctionOptions]
    ) -> Memoised[P, R]: ...
    @overload
    def memoise(
        self, function: None = None, /, **options: Unpack[FunctionOptions]
    ) -> Decorator: ...
    def memoise(self, function: Any = None, /, **options: Any) -> Any:
        """Keep the results of ``function``: ``@cache.memoise`` or ``@cache.memoise(ttl="1h")``.

        Args:
            function: What to memoise; without it a decorator is returned.
            **options: Each by name; what is not given is as the cache has it.

        Options:
            ttl: How long a result is good: a duration, a callable that takes the result and
                returns one (or None), or None (default): for ever.
            stale_if_error: For so long after the ttl an expired result is served if the call
                raises; None (default): never.
            refresh_after: From this age on the old result is served and computed anew in the
                background; None (default): never. It matters if it is shorter than the ttl.
            maxsize: How many results of this function are kept, the least recently used goes;
                None (default): any number.
            copy: Whether every hit is a fresh copy (default True), or all share one object.
            cache_if: A callable that takes the result and says whether it is kept; None
                (default): always.
            cache_errors: A dict from exception classes (subclasses are not meant with them) to
                durations: how long each is kept and raised again; None (default): no exception.
            wait: How long a call waits for another one that computes the same, a duration; then it
                computes beside it. None (default): as long as that takes.
            cost: What one computed call costs, for ``receipts()``: a number, or a callable that
                takes the result and returns one (or None). None (default): nothing.
            meta: A callable that takes the result and returns what ``provenance`` is to say of it
                (a model's name, its usage): anything that ``json.dumps`` takes. Default None.
            depends: Names of packages whose versions ``provenance`` is to say; default ``()``.
            tags: Words by which ``cache.forget(tag=...)`` finds results, or a callable that takes
                the result and returns them. Not in the drop-in, whose file has no place for them.
            on_unstorable: What happens to a result that the file cannot hold: "warn" (default,
                once a function) and "ignore" keep it in this process, "raise" is a TypeError.
            on_code_change: What happens to results of the function as it was before an edit: "warn"
                (default, once a function: they are served), "recompute" or "ignore".
            key: "all" arguments (default), the "first" (drop-in: default) that is not ignored, or
                a callable that takes the arguments of the call and returns what is the key.
            ignore: Names of parameters that make no difference; default ``()``.
            secret: Names of parameters of which only a digest stands in the file; default ``()``.
            name: What stands before the parenthesis of a key; default ``module.qualname``.
            version: A number or a text; results of another version no longer count. Default None.

        A duration is a number of seconds, a text such as "90s", "15m", "1h", "1d" or "2w", or a
        timedelta.

        Returns:
            The memoised function (see ``help(outlive.Memoised)``), or a decorator.

        Raises:
            TypeError: an option is unknown or of the wrong type, or the function cannot be
                memoised (a generator).
            ValueError: an option has a value that means nothing.
        """
        from . import _decorate  # it needs inspect, which importing outlive does not

        return _decorate.decorate(self._state, function, options)

    memoize = memoise

    def map(
        self, function: Callable[..., R], items: Iterable[Any], /, **options: Unpack[MapOptions]
    ) -> Iterator[R]:
        """Call ``function`` with each of ``items``, a number at once; what is kept is not computed.

        Args:
            function: One that is memoised in this cache, also a method of an instance, or any
                other function, which is memoised with the defaults of the cache.
            items: What ``Memoised.map`` takes.
            **options: Those of ``Memoised.map``.

        Returns:
            An iterator of the results.

        Raises:
            TypeError: the function cannot be memoised or is an ``async def`` function, or an option
                is unknown or of the wrong type.
            ValueError: the function is memoised in another cache, or an option has a value that
                means nothing.
        """
        from ._long import start

        native, called, bound = self._memoised_parts(function)
        manner = native._outlive_registration.manner
        return start.map_of(native, manner, called, items, dict(options), bound)

    def amap(
        self,
        function: Callable[..., Coroutine[Any, Any, R]],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        **options: Unpack[MapOptions],
    ) -> AsyncIterator[R]:
        """Do what ``map`` does for an ``async def`` function, in tasks of the running loop."""
        from ._long import start

        native, called, bound = self._memoised_parts(function)
        manner = native._outlive_registration.manner
        return start.amap_of(native, manner, called, items, dict(options), bound)

    def _memoised_parts(self, function: Any) -> tuple[_core.Memoised, Any, tuple[Any, ...]]:
        from ._long import start

        found = start.parts(function) or start.parts(self.memoise(function))
        assert found is not None, "it was just memoised"
        other = found[0]._outlive_registration.cache
        if other.core.file is not self._state.core.file:
            raise ValueError(
                f"{found[0].name} keeps its results in {other.label}, not in {self._state.label}: "
                "call its own map, or map the function below the decorator"
            )
        return found

    def mode(
        self, mode: Mode, *, threads: Literal["own", "all"] = "own"
    ) -> AbstractContextManager[None]:
        """Let a mode hold for the length of a ``with`` block.

        Args:
            mode: "on", "off", "refresh", "offline" or "readonly".
            threads: "own" (default): in this thread or task, and what is started in it with a copy
                of its context; "all": in every thread, such as those of a pool.

        Raises:
            ValueError: there is no such mode.
        """
        _options.one_of(threads, ("own", "all"), "threads")
        return _modes.overriding(self._state.core, _modes.checked(mode), threads == "all")

    def set_mode(self, mode: Mode) -> None:
        """Let a mode hold from now on, for all calls; before one that writes nothing, all is saved.

        Raises:
            ValueError: there is no such mode.
        """
        self._state.set_mode(_modes.checked(mode))

    def save(self) -> None:
        """Write the file now, if anything changed. Trouble is a ``CacheFileWarning``."""
        self._state.core.save()

    def close(self) -> None:
        """Save and let go of the file; the next use opens it again. May be called repeatedly."""
        self._state.core.close()

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            hint = f"; call cache.set_mode({value!r})" if name == "mode" else ""
            raise AttributeError(f"a Cache's {name!r} cannot be set{hint}")
        super().__setattr__(name, value)

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Say what a decorator is called.

        Raises:
            TypeError: always.
        """
        raise TypeError("a Cache is no decorator: write @cache.memoise, or @cache.memoise(ttl=...)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __copy__(self) -> Self:
        return self  # a copy would be the same file all the same

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"a Cache is a file that is in use here ({self._state.label}), so it cannot be "
            "pickled: hand over its path, and make a Cache(path) of it there"
        )

    def __repr__(self) -> str:
        place = repr(self.path) if self.path else "in memory"
        count = len(self)
        return f"<{self._title} {place}: {count} {'entry' if count == 1 else 'entries'}>"

    def limit(
        self,
        *,
        maxsize: int | None = _options.UNCHANGED,
        max_bytes: int | None = _options.UNCHANGED,
    ) -> None:
        """Set how much the whole cache may hold; what is too much goes, the oldest first.

        What is not given stays as it is; None takes a limit back.

        Raises:
            TypeError: a limit is no whole number.
            ValueError: a limit is below one, or another object on the same file has another one.
        """
        self._state.limit(
            maxsize=_options.limit(maxsize, "maxsize"),
            max_bytes=_options.limit(max_bytes, "max_bytes"),
        )

    def sync(self) -> None:
        """Take in now what other processes did. Calls do so by themselves."""
        self._state.entries.sync()

    def prune(self, *, older_than: Duration, name: str | None = None) -> int:
        """Forget all entries that were made longer ago than a duration.

        What expired goes by itself: when the file is written, it drops what has been expired for
        longer than another ttl, and for a day.

        Args:
            older_than: A duration, as for ``ttl=``.
            name: Only the results of this function: what stands before the parenthesis of its keys,
                ``module.qualname`` or what ``name=`` said. None (default): of any.

        Returns:
            How many entries went.

        Raises:
            TypeError: ``older_than`` is no duration.
            ValueError: ``older_than`` cannot be read, or is not above zero.
        """
        since = self._state.now() - _durations.seconds(older_than, "older_than")
        keys = self._state.entries.made_before(since, name)
        count = sum(self._state.entries.remove(key) for key in keys)
        self._state.release()
        return count

    def forget(self, pattern: str = "*", *, tag: str | None = None, erase: bool = False) -> int:
        """Forget all entries whose key text fits a pattern, and that have a tag.

        Args:
            pattern: As for file names: ``*`` stands for anything, ``?`` for one character,
                ``[ab]`` for one of these; ``"*.fetch(*"`` is all that functions named fetch made.
            tag: Only entries to which ``tags=`` gave this tag; None (default): any.
            erase: Whether nothing of them is to stay on the disk either: the file is written anew,
                and journals and kept copies of damaged files are removed.

        Returns:
            How many entries went.

        Raises:
            TypeError: ``pattern`` is no str.
        """
        if not isinstance(pattern, str):
            raise TypeError(f"forget takes a pattern such as '*.fetch(*', not {pattern!r}")
        import fnmatch  # not before somebody asks: with re it is longer to import than outlive
        import re

        fits = re.compile(fnmatch.translate(pattern)).match
        self._state.entries.recall()
        keys = self if tag is None else self._state.tagged(tag)
        count = sum(self._state.entries.remove(key) for key in keys if fits(key))
        self._state.entries.outdate(pattern)
        self._state.release()
        if erase:
            self._state.entries.erase()
        return count
