"""What outlive is compared with."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


def original() -> Decorator:
    """The decorator that outlive replaces: one dict, the first argument is the key."""
    cache: dict[str, Any] = {}

    def memoise(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            key = args[0]
            if key not in cache:
                cache[key] = function(*args, **kwargs)
            return cache[key]

        return wrapper

    return memoise


def lru_cache() -> Decorator:
    """CPython's own, in C."""
    return functools.lru_cache(maxsize=None)


def cachetools() -> Decorator:
    """``cachetools.cached`` over a dict with a lock, as a threaded program uses it."""
    import threading

    import cachetools

    return cachetools.cached({}, lock=threading.Lock())


def cachebox() -> Decorator:
    """``cachebox.cached``, in Rust; told to share results."""
    import cachebox

    return cachebox.cached(cachebox.Cache(0), copy_level=0)


def moka() -> Decorator:
    """``moka_py.cached``, in Rust."""
    import moka_py

    return moka_py.cached(maxsize=1_000_000)


def joblib(folder: str) -> Decorator:
    """``joblib.Memory``: one folder of pickles for each call."""
    import joblib

    return joblib.Memory(folder, verbose=0).cache


def diskcache(folder: str) -> Decorator:
    """``diskcache.Cache``: SQLite and pickles."""
    import diskcache

    return diskcache.Cache(folder).memoize()


def cachier(folder: str) -> Decorator:
    """``cachier.cachier``: one pickle of everything."""
    import cachier

    return cachier.cachier(cache_dir=folder)


def installed(name: str) -> bool:
    """Whether a peer is there: not every one has a wheel for every interpreter."""
    return name in _BUILT_IN or importlib.util.find_spec(name.replace("-", "_")) is not None


def _present(decorators: dict[str, Any]) -> dict[str, Any]:
    return {name: made for name, made in decorators.items() if installed(name)}


_BUILT_IN = {"functools.lru_cache": lru_cache, "the original": original}
IN_MEMORY: dict[str, Callable[[], Decorator]] = _BUILT_IN | _present(
    {"cachetools": cachetools, "cachebox": cachebox, "moka-py": moka}
)
PERSISTENT: dict[str, Callable[[str], Decorator]] = _present(
    {"joblib": joblib, "diskcache": diskcache, "cachier": cachier}
)
