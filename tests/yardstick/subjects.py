"""What is measured: each subject makes of a function one whose results outlive the process."""

from __future__ import annotations

import atexit
import functools
import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Function = Callable[[int], Any]
Maker = Callable[[Path, Function], Any]


def _outlive(folder: Path, function: Function) -> Any:
    import outlive

    return outlive.Cache(folder / "cache.json").memoise(function)


def _joblib(folder: Path, function: Function) -> Any:
    import joblib

    return joblib.Memory(folder, verbose=0).cache(function)


def _diskcache(folder: Path, function: Function) -> Any:
    import diskcache

    return diskcache.Cache(str(folder)).memoize()(function)


def _cachier(folder: Path, function: Function) -> Any:
    import cachier

    return cachier.cachier(cache_dir=str(folder))(function)


def _cachau(folder: Path, function: Function) -> Any:
    import cachau

    return cachau.cache(persist=str(folder), coalesce="processes")(function)


def _checkpointer(folder: Path, function: Function) -> Any:
    import checkpointer

    return checkpointer.Checkpointer(directory=str(folder), verbosity=0)(function)


def _requests_cache(folder: Path, _function: Function) -> Any:
    """It keeps what a server answers: the function runs there."""
    import requests_cache

    session = requests_cache.CachedSession(str(folder / "http"))
    session.trust_env = False

    def get(number: int) -> Any:
        uri = f"{os.environ['YARDSTICK_SERVER']}/{number}?{os.environ['YARDSTICK_SLEEP']}"
        return session.get(uri).json()

    return get


def _home_made(folder: Path, function: Function) -> Any:
    """A dict that is read when the program begins and written when it ends."""
    file = folder / "cache_file.json"
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        kept = {}

    @functools.wraps(function)
    def memoised(number: int) -> Any:
        key = str(number)
        if key not in kept:
            kept[key] = function(number)
        return kept[key]

    @atexit.register
    def save() -> None:
        with file.open("w") as out:
            json.dump(kept, out)

    return memoised


SUBJECTS: dict[str, Maker] = {
    "outlive": _outlive,
    "joblib": _joblib,
    "diskcache": _diskcache,
    "cachier": _cachier,
    "cachau": _cachau,
    "checkpointer": _checkpointer,
    "requests-cache": _requests_cache,
    "home-made": _home_made,
}


def version_of(name: str) -> str:
    """The version of a subject, as its package says; the home-made one has none."""
    if name == "outlive":
        import outlive

        return outlive.__version__
    return "" if name == "home-made" else version(name)
