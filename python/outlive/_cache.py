"""A cache of one's own: a mapping, a context manager and a decorator."""

from __future__ import annotations

import os

from . import _modes, _options, _registry, _servers, _stores
from ._cache_state import CacheState
from ._look import LookInside
from ._mapping import CacheMapping
from ._maps import CacheMaps
from ._typing import MYPY, TYPE_CHECKING, overload
from ._upkeep import CacheUpkeep

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        MutableMapping,
    )
    from contextlib import AbstractContextManager
    from typing import Any, Literal, NoReturn

    from typing_extensions import Self, Unpack

    from ._hooks import Event
    from ._option_types import CacheOptions, Durability, FunctionOptions, Mode
    from ._types import Decorator, Memoised, MemoisedMethod, P, Q, R, S, TakesSelf

CACHE_OPTIONS = _options.OPTION_NAMES - {"maxsize", "dump", "load"}
#: What ``Cache`` takes beside ``CACHE_OPTIONS``.
_OF_THE_CACHE = {
    *("path", "app", "store", "fallback", "mode", "durability", "maxsize", "max_bytes", "near"),
    *("name", "on_store_error"),
    *("on_hit", "on_miss", "on_store", "receipts"),
}
#: What only one function can have.
OF_FUNCTIONS = dict.fromkeys(
    ("key", "ignore", "secret", "version", "dump", "load", "each", "batch"), "memoise"
)


class Cache(LookInside, CacheMaps, CacheUpkeep, CacheMapping):
    """Keeps results in one JSON file, or in memory, by the texts of their keys.

    Nothing is read or written before the first use. Every result is on disk before the caller gets
    it. Several objects on one path share its entries; each has its own options, mode and limits.
    """

    _title = "outlive.Cache"
    _state_type = CacheState

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        app: str | None = None,
        store: MutableMapping[str, bytes] | None = None,
        fallback: str | os.PathLike[str] | None = None,
        mode: Mode | None = None,
        durability: Durability = "flush",
        maxsize: int | None = None,
        max_bytes: int | None = None,
        near: int | None = None,
        name: str | None = None,
        on_store_error: Literal["warn", "raise"] = "warn",
        on_hit: Callable[[Event], object] | None = None,
        on_miss: Callable[[Event], object] | None = None,
        on_store: Callable[[Event], object] | None = None,
        receipts: bool = False,
        **options: Unpack[CacheOptions],
    ) -> None:
        """Name the file, and set the defaults of the functions that are memoised in it.

        Args:
            path: The JSON file or SQLite database. The first bytes of an existing file decide
                which it is; a new file is a database if it ends in .db, .sqlite or .sqlite3, or if
                it is given as "sqlite:///x.db" ("sqlite:////tmp/x.db" is /tmp/x.db). A relative
                path counts from the current working directory. Or the URL of a server of Redis or
                Valkey, which many machines share: "redis://host:6379/0", rediss://, valkey://,
                valkeys://, "unix:///run/redis.sock", "redis+sentinel://host1,host2/service/0",
                with the options name, timeout (seconds, 0.25), db and ca. None (default) keeps
                everything in memory.
            app: The name of an application, instead of ``path``: the file is ``cache.json`` in the
                platform's cache folder of that application.
            store: A mapping of str to bytes instead of ``path``, in which the results are kept:
                fsspec's, zict's, shelve's, diskcache's. It is called by one thread at a time. What
                it does not promise stands in "Stores" of the documentation.
            fallback: The path of a second cache file. Entries that this cache lacks are looked up
                there. It is read once, at the first use, and never written.
            mode: "on", "off", "refresh", "offline", "readonly" or "frozen". None (default): what
                the environment variable OUTLIVE_MODE says, else "on".
            durability: "flush" (default): results survive the end of the process, however it ends.
                "fsync": they survive a loss of power, too.
            maxsize: The number of entries that the whole cache may hold once a result is stored
                through this object; the least recently used are dropped. None (default): no limit.
            max_bytes: The number of bytes that the JSON texts of all results may have together. It
                acts as ``maxsize`` does. None (default): no limit.
            near: About how many bytes of a database this process may hold in memory, decoded
                results included. 0 holds nothing. None (default): the number that another object on
                this path has, else 64 MiB. A JSON file is in memory as a whole.
            name: What keeps the entries of this cache apart from those of others in the same
                database of a server: ASCII letters, digits, dots, - and _. None (default): the one
                in the URL, else "default".
            on_store_error: "warn" (default): when the server of the cache cannot be used, a warning
                says so once, calls compute, and results are written as soon as it can be used.
                "raise": calls that would have to compute, and whatever else needs the server,
                raise ``outlive.StoreError`` until then.
            on_hit: A callable that takes an ``outlive.Event``, called for each hit. It makes a hit
                as slow as a look-up in a dict from Python. None (default): nothing is called.
            on_miss: The same before a result is computed.
            on_store: The same after a result was kept.
            receipts: Whether ``receipts(all_runs=True)`` has those of earlier runs, too: they are
                kept in a file beside, ``NAME.json.receipts``. False (default): no such file.
            **options: Defaults for ``memoise``: copy, ttl, refresh_after, stale_if_error, cache_if,
                cache_errors, tags, wait, types, cost, meta, depends, on_unstorable, on_code_change;
                and ``clock``, a callable that returns the time in seconds since 1970, for tests.

        Raises:
            TypeError: an option is unknown or of the wrong type, or ``store`` is no mapping that
                can be changed.
            ValueError: an option has a value that means nothing or that a mapping cannot keep,
                ``path`` is empty, or another object on this path has another limit or is less
                durable.
        """
        _options.refuse_unknown(options, CACHE_OPTIONS | _OF_THE_CACHE, "Cache", OF_FUNCTIONS)
        defaults = _options.checked(_options.Options(), options)
        _options.refuse_meaningless(defaults, {"ttl", "refresh_after"}, "Cache")
        _options.one_of(durability, ("flush", "fsync"), "durability")
        if store is not None:
            _stores.refuse_beside_mapping(
                path=path, app=app, fallback=fallback, durability=durability
            )
        server = _servers.url(path, name)
        if server is not None:
            _servers.refuse(app=app, durability=durability)
        path, page_size = _stores.parsed(None if server else path)
        file = None if server else _registry.path_of(path, app)
        is_drop_in = self._state_type.is_drop_in
        if store is None:
            core = _registry.core_of(
                server or file,
                durability == "fsync",
                is_drop_in,
                page_size,
                is_server=server is not None,
            )
        else:
            core = _registry.core_over(store)
        behind = None if fallback is None else _registry.lend_to(core, fallback)
        place = _stores.url_of(file) if file is not None and core.file.is_database else file
        place = server or place
        self._state = self._state_type(core, defaults)
        self._state.set_store_errors(on_store_error)
        self._state.made_by = (
            type(self),
            {
                "path": place if app is None else None,
                "app": app,
                "store": store,
                "fallback": behind,
                "mode": mode,
            }
            | {"durability": durability, "maxsize": maxsize, "max_bytes": max_bytes}
            | {"near": near, "on_store_error": on_store_error, **options},
        )
        self._state.set_near(_options.near(near))
        self._state.set_limits(
            maxsize=_options.limit(maxsize, "maxsize"),
            max_bytes=_options.limit(max_bytes, "max_bytes"),
        )
        if mode is not None:
            core.mode = _modes.checked(mode)
        self._keep_receipts(receipts)
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

    if not MYPY:

        @overload
        def memoise(
            self, function: TakesSelf[S, Q, R], /, **options: Unpack[FunctionOptions]
        ) -> MemoisedMethod[S, Q, R]: ...

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
            function: The function to memoise. Without it, a decorator is returned.
            **options: The options below, by name. The cache's own defaults apply to the others.

        Options:
            ttl: How long a result is good: a duration, or a callable that takes the result and
                returns a duration or None. None (default): for ever.
            stale_if_error: How long after the ttl an expired result is still served if the call
                raises. None (default): not at all.
            refresh_after: The age from which a result is served and, in the background, computed
                anew. It must be shorter than the ttl. None (default): never.
            maxsize: The number of results of this function that are kept; the least recently used
                are dropped. None (default): no limit.
            copy: True (default): every hit is a fresh copy. False: all callers share one object.
            cache_if: A callable that takes the result and returns whether to keep it. None
                (default): every result is kept.
            cache_errors: A dict from exception classes to durations: how long an exception of
                exactly this class is kept and raised again. None (default): none is kept.
            wait: How long a call waits for another call that computes its key, before it computes
                beside it: a duration. None (default): until the other call ends.
            cost: The cost of one computed call, for ``receipts()``: a number, or a callable that
                takes the result and returns a number or None. None (default): no cost.
            meta: A callable that takes the result and returns what ``provenance`` shows of it (a
                model's name, its usage): anything that ``json.dumps`` accepts. Default None.
            depends: Names of packages whose versions ``provenance`` shows. Default ``()``.
            tags: A tuple of str by which ``cache.forget(tag=...)`` finds results, or a callable
                that takes the result and returns one. The drop-in has no tags.
            types: Classes that results may be of, beside those that the return annotation and the
                code of the function name: classes, or str such as "shop:Owner". Default ``()``.
            dump: A callable that takes a result and returns what is stored. Needs ``load``.
            load: A callable that takes what ``dump`` returned and returns the result.
            on_unstorable: What to do with a result that the file cannot hold. "warn" (default):
                keep it in this process and warn once for each function; "ignore": the same without
                a warning; "raise": raise TypeError; "plain": keep and return what ``json.dumps``
                would make of it.
            on_code_change: What to do with results of the function as it was before an edit. "warn"
                (default): serve them, and warn once for each function; "recompute"; "ignore".
            key: The arguments that make the key: "all" (default), "first" (the drop-in's default:
                the first one that is not ignored), or a callable that takes the arguments of the
                call and returns the key.
            ignore: Names of parameters that are no part of the key. Default ``()``.
            secret: Names of parameters of which only a digest stands in the file. Default ``()``.
            name: The text before the parenthesis of a key. Default ``module.qualname``.
            version: A number or a str that is part of the key: after a change, old results are not
                found any more. Default None.
            each: The name of the parameter that takes a list of items, each of which is kept by
                itself. The function gets the items that are missing, and returns a list with the
                result of each, or a dict by item. Default None: a call has one result.
            batch: The number of items that the function takes at most in one call. None (default):
                no limit.

        A duration is a number of seconds, a str such as "90s", "15m", "1h30m", "1d" or "2w", or a
        timedelta.

        Returns:
            The memoised function (see ``help(outlive.Memoised)``), or a decorator.

        Raises:
            TypeError: an option is unknown or of the wrong type, or ``function`` cannot be memoised
                (a class, a generator function).
            ValueError: an option has a value that means nothing, or two options contradict each
                other.
        """
        from . import _decorate  # it needs inspect, which importing outlive does not

        return _decorate.decorate(self._state, function, options)

    memoize = memoise

    def mode(
        self, mode: Mode, *, threads: Literal["own", "all"] = "own"
    ) -> AbstractContextManager[None]:
        """Set the mode for the length of a ``with`` block.

        Args:
            mode: "on", "off", "refresh", "offline", "readonly" or "frozen".
            threads: "own" (default): the mode holds in this thread or task, and in tasks that are
                started in the block. "all": it holds in every thread, such as those of a pool.

        Raises:
            ValueError: there is no such mode, or ``threads`` is another word.
        """
        _options.one_of(threads, ("own", "all"), "threads")
        return _modes.overriding(self._state.core, _modes.checked(mode), threads == "all")

    def set_mode(self, mode: Mode) -> None:
        """Set the mode of this object from now on. Before "off" and "readonly", save everything.

        Raises:
            ValueError: there is no such mode.
        """
        self._state.set_mode(_modes.checked(mode))

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            hint = f"; call cache.set_mode({value!r})" if name == "mode" else ""
            raise AttributeError(f"a Cache's {name!r} cannot be set{hint}")
        super().__setattr__(name, value)

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Say what a decorator is called.

        Raises:
            TypeError: in any case.
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
        over = self._state.core.file.carrier
        place = repr(self.path) if self.path else f"over {over.label}" if over else "in memory"
        count = len(self)
        return f"<{self._title} {place}: {count} {'entry' if count == 1 else 'entries'}>"
