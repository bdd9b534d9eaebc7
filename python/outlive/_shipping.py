"""Pickles memoised functions for other processes.

Pickle takes them by reference, as it takes functions. cloudpickle and dill take functions of the
script or notebook itself by value, since no other process can import those: so joblib, dask and ray
can pass them to their workers. Such a function travels with the path and the options of its cache.
"""

from __future__ import annotations

import os
from types import MethodType

from . import _core, _decorate, _naming
from ._texts import contents
from ._typing import TYPE_CHECKING
from ._warnings import warn
from ._wrappers import native_of

if TYPE_CHECKING:
    from typing import Any

    from ._cache_state import CacheState

#: Picklers that take by value what cannot be imported; each has several names, as others carry it.
_BY_VALUE = {"cloudpickle", "dill"}
_SCRIPT = {"__main__", "__mp_main__"}
#: The caches that arrived in this process, by what makes them.
_arrived: dict[str, Any] = {}


def reduce(memoised: _core.Memoised, pickler: Any) -> Any:
    """Return the pickled form of ``memoised``: its name, or everything that rebuilds it.

    Args:
        memoised: The function.
        pickler: The frame of the running pickler.
    """
    sampled = memoised._outlive_registration.sampled
    if sampled is not None:
        return _sample, sampled
    function: Any = memoised.function
    qualname = str(memoised.__qualname__)
    is_local = "<locals>" in qualname or "<lambda>" in qualname
    if not (is_local or function.__module__ in _SCRIPT) or not _is_by_value(pickler):
        return qualname
    registration = memoised._outlive_registration
    shape = _naming.module_name(function), _shape(function)
    recipe = _recipe(registration.cache)
    return _arrive, (function, shape, registration.given, recipe, _host())


def _sample(memoised: _core.Memoised, index: int) -> Any:
    return native_of(memoised.sample(index))


def _recipe(cache: CacheState) -> tuple[type, str, dict[str, Any]]:
    """Return what rebuilds the ``Cache`` object: class, an identifier, and arguments."""
    if cache.identifier is None:
        cache.identifier = os.urandom(8).hex()
    maker, arguments = cache.made_by
    return maker, cache.identifier, arguments


def _is_by_value(frame: Any) -> bool:
    """Return whether the running pickler, which is on the stack, pickles functions by value."""
    while frame is not None and frame.f_globals.get("__name__") == "pickle":
        frame = frame.f_back
    module = "" if frame is None else str(frame.f_globals.get("__name__"))
    return not _BY_VALUE.isdisjoint(module.split("."))


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _shape(function: Any) -> list[Any]:
    """Return the attributes that memoising uses; a function under construction lacks some."""
    cells = getattr(function, "__closure__", None) or ()
    return [
        getattr(function, "__qualname__", None),
        len(getattr(function, "__defaults__", None) or ()),
        sorted(getattr(function, "__kwdefaults__", None) or ()),
        sorted(getattr(function, "__dict__", ())),
        [contents(cell) is None for cell in cells],
    ]


def _arrive(
    function: Any, shape: tuple[str, Any], given: dict[str, Any], recipe: Any, host: str
) -> Any:
    """Memoise ``function`` in this process as in the one that it comes from."""
    make = _Making(function, shape[0], given, recipe, host)
    # A recursive function arrives while it is still being rebuilt.
    return make() if _shape(function) == shape[1] else _Unfinished(make)


class _Making:
    """The ingredients of a memoised function."""

    def __init__(
        self, function: Any, module: str, given: dict[str, Any], recipe: Any, host: str
    ) -> None:
        self._function, self._given, self._recipe, self._host = function, given, recipe, host
        self._module = module

    def __call__(self) -> Any:
        if _naming.module_name(self._function) != self._module:
            self._function.__module__ = self._module
        return _decorate.bare(self._cache()._state, self._function, self._given)

    def put_in_place_of(self, placeholder: object, memoised: _core.Memoised) -> None:
        """Replace the placeholder that the function refers to with ``memoised``."""
        names = self._function.__globals__
        for name in [name for name, value in list(names.items()) if value is placeholder]:
            names[name] = memoised
        for cell in self._function.__closure__ or ():
            if contents(cell) is placeholder:
                cell.cell_contents = memoised

    def _cache(self) -> Any:
        maker, identifier, options = self._recipe
        if identifier not in _arrived:
            _arrived[identifier] = maker(**options)
            self._tell_of_host(_arrived[identifier])
        return _arrived[identifier]

    def _tell_of_host(self, cache: Any) -> None:
        if self._host != _host() and cache._state.has_file:
            warn(
                "OutliveWarning",
                f"{cache.path} is a file of this host ({_host()}); the function comes from "
                f"{self._host}, which has one of its own: they share no results, unless the path "
                'is on a disk that both see. Cache("redis://host/0") is one cache for all hosts',
            )


class _Unfinished:
    """A memoised function that is made at its first use."""

    def __init__(self, make: _Making) -> None:
        self._make = make
        self._made: Any = None

    def _memoised(self) -> Any:
        if self._made is None:
            self._made = self._make()
            self._make.put_in_place_of(self, self._made)
        return self._made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._memoised()(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # pickle and copy ask before there is anything
            raise AttributeError(name)
        return getattr(self._memoised(), name)

    def __reduce__(self) -> Any:
        return self._memoised().__reduce__()
