"""The drop-in: one cache for all functions, in ``cache_file.json`` of the working directory."""

from __future__ import annotations

import os

from . import _core, _modes, _options
from ._cache import CACHE_OPTIONS, OF_FUNCTIONS, Cache
from ._cache_state import DropInState
from ._typing import MYPY, TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Unpack

    from ._option_types import CacheOptions, FunctionOptions, Mode
    from ._types import Decorator, Memoised, MemoisedMethod, P, Q, R, S, TakesSelf


_OF_CONFIGURE = {"file", "mode", "maxsize", "max_bytes"}


class DropInCache(Cache):
    """The cache behind ``from outlive import memoise``."""

    _title = "outlive.cache"
    _state_type = DropInState

    if TYPE_CHECKING:  # as in the dict that it replaces, a key may be any first argument

        def __getitem__(self, key: Any) -> Any: ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __delitem__(self, key: Any) -> None: ...

    def _text(self, key: object) -> str:
        """Return the key of a first argument. A str is its own key."""
        try:
            return _core.first_key(key)
        except TypeError as error:
            raise TypeError(
                f"a key is a first argument of a memoised function, and this cannot be one: {error}"
            ) from error


#: The file of the default cache, as it was named.
cache_file: str = os.environ.get("OUTLIVE_FILE") or "cache_file.json"

#: The default cache: a mapping of key texts to values.
cache: DropInCache = DropInCache(cache_file)


def load() -> None:
    """Read the file, unless that was done before or caching is switched off."""
    core = cache._state.core
    if _modes.of(core) != "off":
        core.load()


@overload
def memoise(
    function: classmethod[S, P, R], /, **options: Unpack[FunctionOptions]
) -> classmethod[S, P, R]: ...
@overload
def memoise(  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    function: staticmethod[P, R], /, **options: Unpack[FunctionOptions]
) -> staticmethod[P, R]: ...


if not MYPY:

    @overload
    def memoise(
        function: TakesSelf[S, Q, R], /, **options: Unpack[FunctionOptions]
    ) -> MemoisedMethod[S, Q, R]: ...


@overload
def memoise(function: Callable[P, R], /, **options: Unpack[FunctionOptions]) -> Memoised[P, R]: ...
@overload
def memoise(function: None = None, /, **options: Unpack[FunctionOptions]) -> Decorator: ...
def memoise(function: Any = None, /, **options: Any) -> Any:
    """Keep results in ``cache_file.json``: ``@memoise`` or ``@memoise(ttl="1d")``.

    The key is the first argument that is not ignored, and nothing else: all functions share their
    entries. With ``key="all"`` the function and all its arguments are the key.

    Args:
        function: The function to memoise. Without it, a decorator is returned.
        **options: The options of ``outlive.Cache.memoise``, except ``tags``.

    Raises:
        TypeError: an option is unknown or of the wrong type, or the function cannot be memoised.
        ValueError: an option has a value that means nothing.
    """
    return cache.memoise(function, **options)


memoize = memoise


def save_cache() -> None:
    """Write ``cache_file.json`` now, if anything changed. Trouble is a ``CacheFileWarning``."""
    cache.save()


def configure(
    *,
    file: str | os.PathLike[str] | None = None,
    mode: Mode | None = None,
    maxsize: int | None = _options.UNCHANGED,
    max_bytes: int | None = _options.UNCHANGED,
    **options: Unpack[CacheOptions],
) -> None:
    """Set the file, the mode and the limits of the drop-in, and the defaults of its functions.

    What is not given stays as it is.

    Args:
        file: The JSON file. Name it before ``memoise`` or ``cache`` is first imported.
        mode: "on", "off", "refresh", "offline", "readonly" or "frozen".
        maxsize: The number of entries that the file may hold; the least recently used are dropped.
            None: no limit.
        max_bytes: The number of bytes that the JSON texts of all results may have together. None:
            no limit.
        **options: ttl, refresh_after, stale_if_error, copy, cache_if, cache_errors, wait, types,
            on_unstorable, on_code_change, clock. They hold for functions decorated before, too.

    Raises:
        RuntimeError: ``file`` is given after the first use of the drop-in.
        TypeError: an option is unknown or of the wrong type.
        ValueError: an option has a value that means nothing.
    """
    global cache, cache_file
    _options.refuse_unknown(options, CACHE_OPTIONS | _OF_CONFIGURE, "configure", OF_FUNCTIONS)
    defaults = _options.checked(cache._state.options, options)
    _options.refuse_meaningless(defaults, options, "configure")
    if file is not None and os.fspath(file) != cache_file:
        if cache._state.core.is_loaded or cache._state.functions():
            raise RuntimeError(
                f"the default cache already uses {cache_file!r}: call outlive.configure(file=...) "
                "before `from outlive import memoise`, or set OUTLIVE_FILE"
            )
        cache_file, cache = os.fspath(file), DropInCache(file)
    if mode is not None:
        cache.set_mode(mode)
    cache.limit(maxsize=maxsize, max_bytes=max_bytes)
    cache._state.reconfigure(options)
