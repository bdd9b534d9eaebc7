"""Maps of a cache: many calls of one function, which need not be memoised before."""

from __future__ import annotations

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
    from typing import Any, Literal

    from typing_extensions import Unpack

    from . import _core
    from ._cache_state import CacheState
    from ._failed import Failed
    from ._option_types import MapOptions
    from ._types import R


class CacheMaps:
    """What a cache does with many calls of one function."""

    _state: CacheState

    @overload
    def map(
        self,
        function: Callable[..., R],
        items: Iterable[Any],
        /,
        *,
        on_error: Literal["collect"],
        **options: Unpack[MapOptions],
    ) -> Iterator[R | Failed]: ...
    @overload
    def map(
        self,
        function: Callable[..., R],
        items: Iterable[Any],
        /,
        *,
        on_error: Literal["raise", "skip"] = ...,
        **options: Unpack[MapOptions],
    ) -> Iterator[R]: ...
    def map(self, function: Any, items: Any, /, **options: Any) -> Any:
        """Call ``function`` with each of ``items``, some at once. Kept results are not computed.

        Args:
            function: A function that is memoised in this cache, also a method of an instance; or
                any other function, which is memoised with the defaults of the cache.
            items: An iterable, as ``Memoised.map`` takes it.
            **options: The options of ``Memoised.map``.

        Returns:
            An iterator of the results.

        Raises:
            TypeError: The function cannot be memoised or is an ``async def`` function, or an option
                is unknown or of the wrong type.
            ValueError: The function is memoised in another cache, or an option has a value that
                means nothing.
        """
        from ._long import start

        native, called, bound = self._memoised_parts(function)
        return start.map_of(native, called, items, options, bound)

    @overload
    def amap(
        self,
        function: Callable[..., Coroutine[Any, Any, R]],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        on_error: Literal["collect"],
        **options: Unpack[MapOptions],
    ) -> AsyncIterator[R | Failed]: ...
    @overload
    def amap(
        self,
        function: Callable[..., Coroutine[Any, Any, R]],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        on_error: Literal["raise", "skip"] = ...,
        **options: Unpack[MapOptions],
    ) -> AsyncIterator[R]: ...
    def amap(self, function: Any, items: Any, /, **options: Any) -> Any:
        """Do what ``map`` does for an ``async def`` function, in tasks of the running loop."""
        from ._long import start

        native, called, bound = self._memoised_parts(function)
        return start.amap_of(native, called, items, options, bound)

    def _memoised_parts(self, function: Any) -> tuple[_core.Memoised, Any, tuple[Any, ...]]:
        from . import _decorate
        from ._long import start

        found = start.parts(function) or start.parts(_decorate.decorate(self._state, function, {}))
        assert found is not None, "it was just memoised"
        other = found[0]._outlive_registration.cache
        if other.core.file is not self._state.core.file:
            raise ValueError(
                f"{found[0].name} keeps its results in {other.label}, not in {self._state.label}: "
                "call its own map, or map the function below the decorator"
            )
        return found
