"""The registration of one memoised function: its options, its counters, its entries."""

from __future__ import annotations

from . import _arguments, _core
from ._one_shot import one_shot_part
from ._typing import TYPE_CHECKING
from ._wrappers import native_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from ._cache_state import CacheState
    from ._classes.owners import FunctionClasses
    from ._explanation import Explanation
    from ._info import CacheInfo
    from ._observe import Observer
    from ._provenance import Provenance
    from ._receipts import Receipts


#: For so many calls a function knows why their results were not kept.
_NOTED_AT_MOST = 1000


class Registration:
    """One function in one cache. The function itself is passed in, so that it is not kept alive."""

    def __init__(self, cache: CacheState, given: dict[str, Any], own: dict[str, Any]) -> None:
        """Note the options that the function was decorated with."""
        self.cache, self.given = cache, given
        self.own = own
        #: Its own options on top of the defaults of its cache, once the cache has renewed them.
        self.options = cache.options
        #: Refreshes results in the background.
        self.refresher: Any = None
        #: A weak reference to the memoised function.
        self.memoised: Callable[[], _core.Memoised | None] = _nobody
        self._classes: FunctionClasses | None = None
        #: The parameters that keys show by name.
        self.shown: list[str] = []
        #: How calls go, as the native half has it, and what users call.
        self.manner = "whole"
        self.face: Callable[[], Any] = _nobody
        #: Options that the manner of its calls decides.
        self.fixed: dict[str, Any] = {}
        #: What memoises the same function for another answer to its calls.
        self.resample: Callable[[_core.Memoised, int], Any] = _resample_nothing
        #: Of another answer: the function that it is one of, and its index.
        self.sampled: tuple[_core.Memoised, int] | None = None
        self._samples: dict[int, Any] = {}
        self._observer: Observer | None = None
        #: Why the results of the last calls that were not kept were not, by hashes of their keys.
        self.not_kept: dict[int, str] = {}

    @property
    def classes(self) -> FunctionClasses:
        """Return the classes of its results."""
        if self._classes is None:
            from ._classes.owners import FunctionClasses

            memoised = self.memoised()
            assert memoised is not None, "it is being called"
            self._classes = FunctionClasses(self, memoised.__wrapped__, memoised.name)
        return self._classes

    @staticmethod
    def code_note(function: Any) -> tuple[str | None, bytes | None]:
        """Return what results record about the code of ``function``: its digest, and the script."""
        try:
            from ._code_digest import code_digest, script_of
        except ImportError:  # a destructor calls at the interpreter's end: nothing is imported then
            return None, None
        script = script_of(function)
        note = f'{{"script": {_quoted(script)}}}' if script else script
        try:
            digest = code_digest(function)
        except (RecursionError, MemoryError):
            raise
        except Exception:  # a value that it reads cannot be written: no call fails for that
            digest = None
        return digest, None if note is None else note.encode()

    def cache_info(self, memoised: _core.Memoised) -> CacheInfo:
        """Count calls and entries."""
        from ._info import CacheInfo

        hits, misses, expired = memoised._outlive_manager.counts()
        size = self.cache.count(memoised)
        four = hits, misses, self.options.maxsize, size
        return CacheInfo.counted(
            four, evictions=memoised._outlive_manager.evictions(), expired=expired
        )

    def receipts(self, memoised: _core.Memoised) -> Receipts:
        """Count the calls of this process, and what hits saved."""
        from . import _savings

        return _savings.of_function(self.cache, memoised)

    def explain(self, memoised: _core.Memoised, key: str) -> Explanation:
        """Return whether the call under ``key`` is a hit, and why."""
        from . import _explain

        return _explain.Explainer(self, memoised, key).explain()

    def provenance(self, memoised: _core.Memoised, key: str) -> Provenance | None:
        """Return when and how the result under ``key`` was made; None if there is none."""
        from . import _provenance

        return _provenance.of_entry(self.cache.visible, memoised.name, key)

    def tell_hit(self, key: str, _more: tuple[()]) -> None:
        """Report a result that was served to hooks and the log."""
        self._observed().hit(key)

    def tell_miss(self, key: str, more: tuple[bool]) -> None:
        """Report a result that is about to be computed; ``more``: is a kept one ignored?"""
        self._observed().miss(key, *more)

    def tell_store(self, key: str, more: tuple[int | None, float | None]) -> None:
        """Report a result that was kept: the bytes of its text, the seconds that the call took."""
        self._observed().store(key, *more)

    def note_not_kept(self, key: str, more: tuple[str]) -> None:
        """Record why a result was not kept."""
        self.not_kept[hash(key)] = more[0]
        if len(self.not_kept) > _NOTED_AT_MOST:
            self.not_kept.pop(next(iter(self.not_kept)), None)

    def _observed(self) -> Observer:
        if self._observer is None:
            from ._observe import Observer

            self._observer = Observer(self)
        return self._observer

    def cache_clear(self, memoised: _core.Memoised) -> None:
        """Forget the entries and set the counters back."""
        self.cache.clear(memoised)
        memoised._outlive_manager.reset()

    def names(self, memoised: _core.Memoised) -> list[str]:
        """Return the names for users: those of ``outlive.Memoised``, and the function's own."""
        from ._types import Memoised

        is_public = {*dir(Memoised), *memoised.__dict__}
        return [n for n in object.__dir__(memoised) if n.startswith("_") or n in is_public]

    def used_up(self, result: object) -> str | None:
        """Name the part of ``result`` that can be used only once; None if there is none."""
        return one_shot_part(result)

    def forget_where(self, memoised: _core.Memoised, arguments: dict[str, Any]) -> int:
        """Forget the results of all calls with these arguments; return how many there were.

        Raises:
            TypeError: the keys of the function do not show such an argument.
        """
        names = [parameter for parameter in self.shown if parameter in arguments]
        for name in arguments:
            if name not in names:
                shown = ", ".join(self.shown) or "none"
                raise TypeError(
                    f"keys of {memoised.name} do not show {name!r} (they show: {shown})"
                )
        flat = self.cache.is_drop_in
        wanted = {n: _core.canonical(value, flat=flat) for n, value in arguments.items()}
        literal = _arguments.literal
        given = (literal(f"{name}={wanted[name]}") + "[,)]" for name in names)
        parts = [literal(self.cache.start_of(memoised)), *given, ""]
        self.cache.entries.recall()
        # First: a result kept before this is among the entries; one that comes later is not kept.
        self.cache.entries.outdate("*".join(parts))
        keys = self.cache.keys_of(memoised)
        found = [key for key in keys if wanted.items() <= _arguments.of(key, memoised.name).items()]
        gone = sum(self.cache.entries.remove(key) for key in found)
        memoised._outlive_manager.release()
        return gone

    def map(self, memoised: _core.Memoised, items: Any, **options: Any) -> Iterator[Any]:
        """Return the results of many calls, made in threads."""
        from ._long import start

        return start.map_of(memoised, memoised, items, options)

    def amap(self, memoised: _core.Memoised, items: Any, **options: Any) -> AsyncIterator[Any]:
        """Return the results of many calls, made in tasks."""
        from ._long import start

        return start.amap_of(memoised, self.face(), items, options)

    def sample(self, memoised: _core.Memoised, index: Any) -> Any:
        """Return the function for its ``index``-th answer to each call; 0 is the function itself.

        Raises:
            TypeError: ``index`` is no whole number, or keys have no place for it.
            ValueError: ``index`` is negative.
        """
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError(f"sample(...) takes a whole number, not {type(index).__name__}")
        if index < 0:
            raise ValueError(f"sample({index}): the answers are numbered from 0")
        if index == 0:
            return self.face()
        if index not in self._samples:
            self._samples[index] = self.resample(memoised, index)
        return self._samples[index]

    def samples(self) -> list[_core.Memoised]:
        """Return the functions that were memoised for further answers."""
        return [native_of(face) for face in list(self._samples.values())]

    def pydantic_schema(self, memoised: _core.Memoised, handler: Any) -> Any:
        """Return the schema of the function for the memoised one."""
        schema: dict[str, Any] = handler(memoised.__wrapped__)
        return schema | {"function": memoised} if schema.get("type") == "call" else schema

    def cache_parameters(self, _memoised: _core.Memoised) -> dict[str, Any]:
        """Return the options, in the manner of ``functools.lru_cache``."""
        defaults = {"maxsize": self.cache.options.maxsize, "typed": True}
        return defaults | self.given


def _resample_nothing(memoised: _core.Memoised, _index: int) -> Any:
    """Stand in for a value that the decorator has not set yet."""
    raise TypeError(f"{memoised.name} is not memoised yet")


def _nobody() -> None:
    """Return None: the reference before there is a function."""


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)
