"""Types: the options, and the methods of a memoised function."""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)

from . import _core
from ._typing import MYPY
from ._wrappers import native_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._explanation import Explanation
    from ._failed import Failed
    from ._info import CacheInfo
    from ._option_types import MapOptions
    from ._provenance import Provenance
    from ._receipts import Receipts

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
V = TypeVar("V")
F = TypeVar("F", contravariant=True)
T = TypeVar("T", covariant=True)
# Covariant, as the checkers take the `self` of an overridden method to be.
Owner = TypeVar("Owner", covariant=True)


class _Kind(type):
    """Recognises memoised functions: native objects, and coroutine functions in front of one."""

    def __instancecheck__(cls, instance: object) -> bool:
        native = native_of(instance)
        return isinstance(native, _core.Memoised) or type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is _core.Memoised or type.__subclasscheck__(cls, subclass)


class _Named(Protocol):
    """The members that all memoised functions have, whatever they take and return."""

    __name__: str
    __qualname__: str
    __module__: str
    __doc__: str | None

    def cache_info(self) -> CacheInfo:
        """Count hits, misses and entries, in ``functools``' order."""
        ...

    def cache_clear(self) -> None:
        """Forget all results of this function and reset its counters."""
        ...

    def receipts(self) -> Receipts:
        """Count the calls of this process, and what hits saved."""
        ...

    def cache_parameters(self) -> dict[str, Any]:
        """Return the options that the function was decorated with."""
        ...


class _Takes(Protocol[F, Q, T]):
    """A callable that takes a first argument, and others."""

    def __call__(self, first: F, /, *args: Q.args, **kwargs: Q.kwargs) -> T: ...


class TakesSelf(Protocol[F, Q, T]):
    """A callable whose first parameter is named ``self``: a method, where it is decorated."""

    def __call__(_takes, self: F, *args: Q.args, **kwargs: Q.kwargs) -> T: ...  # noqa: N805


class _Waits(Protocol[P, T]):
    """A callable whose calls are awaited."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]: ...


class Memoised(Generic[P, R], metaclass=_Kind):
    """A memoised function: it is called as before, and it has methods that control single calls.

    ``isinstance(f, outlive.Memoised)`` tells whether ``f`` is memoised. Only ``@cache.memoise``
    makes such functions; the class is for checks, annotations and pydantic's ``ignored_types``.

    Each method takes the arguments of the call that it controls, and raises TypeError if they do
    not fit the function or cannot be part of a key. For methods of a class, write
    ``Class.method.peek(instance, ...)``. The result of a coroutine function is what a call of it
    gives when awaited.
    """

    __name__: str
    __qualname__: str

    def __init__(self) -> None:
        raise TypeError("write @cache.memoise to memoise a function")

    @property
    def __wrapped__(self) -> Callable[P, R]:
        """The function itself."""
        raise NotImplementedError

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the kept result, or compute and keep it."""
        raise NotImplementedError

    def cache_info(self) -> CacheInfo:
        """Count hits, misses and entries, in ``functools``' order."""
        raise NotImplementedError

    def cache_clear(self) -> None:
        """Forget all results of this function and reset its counters."""
        raise NotImplementedError

    def cache_parameters(self) -> dict[str, Any]:
        """Return the options that the function was decorated with."""
        raise NotImplementedError

    def receipts(self) -> Receipts:
        """Count the calls of this process, and the seconds and the money that hits saved."""
        raise NotImplementedError

    def forget_where(self, **arguments: object) -> int:
        """Forget the results of all calls with these arguments; return how many there were.

        Raises:
            TypeError: the keys of this function do not show such an argument.
        """
        raise NotImplementedError

    @overload
    def map(
        self,
        items: Iterable[Any],
        /,
        *,
        on_error: Literal["collect"],
        **options: Unpack[MapOptions],
    ) -> Iterator[R | Failed]: ...
    @overload
    def map(
        self,
        items: Iterable[Any],
        /,
        *,
        on_error: Literal["raise", "skip"] = ...,
        **options: Unpack[MapOptions],
    ) -> Iterator[R]: ...
    def map(self, items: Any, /, **options: Any) -> Any:
        """Call it with each of ``items``, a number at once in threads, and give the results.

        What is kept is not computed, and each result is kept at once: a run that was cut off, by
        Ctrl-C, a crash or a rate limit, is run again and goes on with the rest. Nothing happens
        before the first result is asked for. Nothing is tried twice.

        Args:
            items: Any iterable, also an endless one; each item is the one argument of a call.
            **options: Each by name.

        Options:
            workers: How many calls are made at once, in as many threads; default 8.
            on_error: "raise" (default) ends the map with the first error, once the calls under way
                have ended; "collect" gives ``outlive.Failed(item, error)`` in its place; "skip"
                gives nothing.
            progress: Whether stderr shows how far it is, with tqdm where that is installed; or a
                callable that takes an ``outlive.Progress`` after each item. None (default): if
                stderr is a terminal.
            ordered: Whether the results come in the order of the items (default True), or as soon
                as they are there.
            star: Whether each item is a tuple of arguments, or a dict of arguments by name; default
                False.

        Raises:
            TypeError: an option is unknown or of the wrong type, ``items`` is no iterable or one
                str, or the function is an ``async def`` function.
            ValueError: an option has a value that means nothing.
        """
        raise NotImplementedError

    @overload
    def amap(
        self: _Waits[P, V],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        on_error: Literal["collect"],
        **options: Unpack[MapOptions],
    ) -> AsyncIterator[V | Failed]: ...
    @overload
    def amap(
        self: _Waits[P, V],
        items: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        on_error: Literal["raise", "skip"] = ...,
        **options: Unpack[MapOptions],
    ) -> AsyncIterator[V]: ...
    def amap(self, items: Any, /, **options: Any) -> Any:
        """Do what ``map`` does for an ``async def`` function, in tasks of the running loop.

        No task is left when the iteration is over; ``break`` ends them at the next turn of the
        loop, ``contextlib.aclosing`` at once. It needs asyncio.
        """
        raise NotImplementedError

    def sample(self, index: int, /) -> Memoised[P, R]:
        """Return the function for its ``index``-th answer to each call.

        The index is part of the key and never reaches the function; 0 is the function itself.

        Raises:
            TypeError: ``index`` is no whole number, or the function shares its keys with others.
            ValueError: ``index`` is negative.
        """
        raise NotImplementedError

    @overload  # below @classmethod
    def __get__(self: _Takes[S, Q, R], instance: object, owner: S, /) -> BoundMemoised[Q, R]: ...
    @overload  # on the class
    def __get__(self, instance: None, owner: type, /) -> Memoised[P, R]: ...
    @overload  # on an instance
    def __get__(self: _Takes[S, Q, R], instance: S, owner: type, /) -> BoundMemoised[Q, R]: ...
    @overload  # below @staticmethod
    def __get__(self, instance: object, owner: type, /) -> Memoised[P, R]: ...
    def __get__(self, instance: Any, owner: Any, /) -> Any:
        raise NotImplementedError

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the key of this call, a str."""
        raise NotImplementedError

    def cache_contains(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether a fresh result of this call is kept. Nothing is computed or counted."""
        raise NotImplementedError

    @overload
    def peek(self: _Waits[P, V], *args: P.args, **kwargs: P.kwargs) -> V | None: ...
    @overload
    def peek(self, *args: P.args, **kwargs: P.kwargs) -> R | None: ...
    def peek(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the kept result if it is fresh, else None. Nothing is computed or counted."""
        raise NotImplementedError

    @overload
    def put(self: _Waits[P, V], result: V, /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    @overload
    def put(self, result: R, /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    def put(self, result: Any, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Keep ``result`` as the result of this call."""
        raise NotImplementedError

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Say whether the call is a hit, and why; nothing is computed or counted."""
        raise NotImplementedError

    def provenance(self, *args: P.args, **kwargs: P.kwargs) -> Provenance | None:
        """Return when and how the kept result was made, fresh or not; None if there is none."""
        raise NotImplementedError

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result of this call; return whether there was one."""
        raise NotImplementedError

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute this call anew, keep its result and return it."""
        raise NotImplementedError


class MemoisedMethod(  # type: ignore[type-var]
    Memoised[Concatenate[Owner, Q], T],  # pyright: ignore[reportInvalidTypeArguments]
    Generic[Owner, Q, T],
):
    """For pyright: a memoised function whose first parameter is named ``self``.

    What a class or an instance gives has its exact signature, by ``__get__``. Pyright compares a
    class with a Protocol by the bare member, without ``__get__``; so calls of that, which nobody
    writes, take any arguments.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> T:
        """Return the kept result, or compute and keep it."""
        raise NotImplementedError

    @overload  # type: ignore[override] # on the class
    def __get__(self, instance: None, owner: type, /) -> Memoised[Concatenate[Owner, Q], T]: ...
    @overload  # on an instance
    def __get__(self, instance: object, owner: type, /) -> BoundMemoised[Q, T]: ...
    def __get__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, instance: Any, owner: Any, /
    ) -> Any:
        raise NotImplementedError


class BoundMemoised(_Named, Protocol[P, T]):
    """A memoised method, bound to its instance. Single calls are controlled through the class."""

    @property
    def __self__(self) -> Any:
        """The instance."""
        ...

    @property
    def __func__(self) -> Memoised[..., Any]:
        """The memoised function."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the kept result, or compute and keep it."""
        ...


class Decorator(Protocol):
    """The decorator that ``@memoise(...)`` with options returns."""

    @overload
    def __call__(self, function: classmethod[S, P, R], /) -> classmethod[S, P, R]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
        self, function: staticmethod[P, R], /
    ) -> staticmethod[P, R]: ...

    if not MYPY:

        @overload
        def __call__(self, function: TakesSelf[S, Q, R], /) -> MemoisedMethod[S, Q, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Memoised[P, R]: ...
