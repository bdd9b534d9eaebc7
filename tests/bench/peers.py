"""What outlive is compared with."""

from __future__ import annotations

import functools
import importlib.util
import json
import threading
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


#: What is to be closed before its folder is removed.
_open: list[Any] = []


def _noted(mapping: Any) -> Any:
    _open.append(mapping)
    return mapping


def close_all() -> None:
    """Close what was opened in folders that are removed next."""
    while _open:
        _open.pop().close()


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

    return _noted(diskcache.Cache(folder)).memoize()


def cachier(folder: str) -> Decorator:
    """``cachier.cachier``: one pickle of everything."""
    import cachier

    return cachier.cachier(cache_dir=folder)


def cachau(folder: str) -> Decorator:
    """``cachau.cache``: one file for each call."""
    import cachau

    return cachau.cache(persist=folder)


def checkpointer(folder: str) -> Decorator:
    """``checkpointer``: one pickle for each call."""
    from checkpointer import checkpoint

    made: Any = checkpoint(directory=folder, verbosity=0)
    return made  # type: ignore[no-any-return]


def sqlite3(folder: str) -> Decorator:
    """What people write themselves: Python's ``sqlite3``, a log, JSON, a commit for each result."""
    import sqlite3

    path, connections = f"{folder}/by_hand.db", threading.local()

    def connected() -> sqlite3.Connection:
        if not hasattr(connections, "mine"):
            connections.mine = _noted(
                sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
            )
            connections.mine.execute("PRAGMA journal_mode = WAL")
            connections.mine.execute("PRAGMA synchronous = NORMAL")
            connections.mine.execute(
                "CREATE TABLE IF NOT EXISTS entry(key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID"
            )
        made: sqlite3.Connection = connections.mine
        return made

    def memoise(function: Function) -> Function:
        def get(uri: str) -> Any:
            sql = "SELECT text FROM entry WHERE key = ?"
            found = connected().execute(sql, (uri,)).fetchone()
            if found is not None:
                return json.loads(found[0])
            answer = function(uri)
            sql = "INSERT OR REPLACE INTO entry VALUES (?, ?)"
            connected().execute(sql, (uri, json.dumps(answer)))
            return answer

        return get

    return memoise


def sqlitedict(folder: str) -> Decorator:
    """``sqlitedict``: pickles in SQLite, written by a thread of its own, a commit for each."""
    import sqlitedict

    return _over(_noted(sqlitedict.SqliteDict(f"{folder}/dict.db", autocommit=True)))


def shelf(folder: str) -> Decorator:
    """``shelve``: pickles in whatever ``dbm`` this Python has."""
    import shelve

    return _over(_noted(shelve.open(f"{folder}/shelf")))


def _over(mapping: Any) -> Decorator:
    """The five lines that people write around a mapping."""

    def memoise(function: Function) -> Function:
        def get(uri: str) -> Any:
            if uri not in mapping:
                mapping[uri] = function(uri)
            return mapping[uri]

        return get

    return memoise


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
#: Those that keep results on a disk and read each when it is asked for.
ON_DISK: dict[str, Callable[[str], Decorator]] = {
    "sqlite3 by hand": sqlite3,
    "shelve": shelf,
    **_present(
        {
            "diskcache": diskcache,
            "joblib": joblib,
            "cachau": cachau,
            "checkpointer": checkpointer,
            "sqlitedict": sqlitedict,
        }
    ),
}
