"""What to do for each item, for both kinds of maps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import length_hint
from typing import Any

from .. import _options
from .._answering import answering
from .._failed import Failed
from . import methods
from .reporters import Reporter, reporter_of
from .tally import Tally

#: What ``look_up`` returns where nothing is kept.
MISSING: Any = object()
#: How many results, for each worker, may wait for an earlier one that is slow.
_WINDOW = 64


class Call:
    """The call for one item, and its outcome."""

    __slots__ = ("args", "error", "is_done", "item", "kwargs", "value")

    def __init__(self, item: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Begin without an outcome."""
        self.item, self.args, self.kwargs = item, args, kwargs
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_done = False


class Job:
    """A function, how its calls are made of items, and how their errors are handled."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        look_up: Callable[..., Any],
        bound: tuple[Any, ...] = (),
        fits: methods.Fits | None = None,
        *,
        workers: int = 8,
        on_error: str = "raise",
        progress: bool | Callable[..., object] | None = None,
        ordered: bool = True,
        star: bool = False,
    ) -> None:
        """Check the options.

        Args:
            name: The function as messages name it.
            function: The callable to call.
            look_up: A callable that returns a kept result, or else its first argument.
            bound: The arguments before the item in every call: the instance of a method.
            fits: What tells an instance from other first arguments, if each call needs one.
            workers: How many calls are made at once.
            on_error: "raise", "collect" or "skip".
            progress: None: in a terminal; True, False, or a callable.
            ordered: Whether results come in the order of their items.
            star: Whether an item is a tuple of arguments, or a dict of them.
        """
        self.name, self.function, self._look_up, self._bound = name, function, look_up, bound
        self._fits = fits
        self.workers = _options.count(workers, "workers")
        self.on_error = _options.one_of(on_error, ("raise", "collect", "skip"), "on_error")
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise TypeError(f"progress= takes True, False or a callable, not {progress!r}")
        self._progress = progress and answering(progress, "progress")
        self.ordered = _options.flag(ordered, "ordered")
        self._star = _options.flag(star, "star")

    def call_of(self, item: Any) -> Call:
        """Return the call for ``item``; done, if its result is kept."""
        if not self._star:
            call = Call(item, (*self._bound, item), {})
        elif isinstance(item, Mapping):
            call = Call(item, self._bound, item)
        elif isinstance(item, (tuple, list)):
            call = Call(item, (*self._bound, *item), {})
        else:
            raise TypeError(
                f"star=True: each item is a tuple or a dict of arguments, not {item!r:.200}"
            )
        if self._fits is not None and call.args and not self._fits(call.args[0]):
            raise methods.refusal(self.name)
        try:
            found = self._look_up(MISSING, *call.args, **call.kwargs)
        except Exception as error:
            call.error, call.is_done = error, True
            return call
        if found is not MISSING:
            call.value, call.is_done = found, True
        return call

    def is_fatal(self, error: BaseException) -> bool:
        """Return whether the map ends with this error of a call."""
        return self.on_error == "raise" or not isinstance(error, Exception)

    def given(self, call: Call) -> Iterator[Any]:
        """Yield what the consumer gets of a call that is done: one result, or nothing.

        Raises:
            BaseException: what the call raised, if the map ends with it.
        """
        if call.error is None:
            yield call.value
        elif self.is_fatal(call.error):
            raise call.error
        elif self.on_error == "collect":
            assert isinstance(call.error, Exception), "any other is fatal"
            yield Failed(call.item, call.error)

    def queue(self) -> Queue:
        """Return the queue of calls that were begun and not yet given."""
        return InOrder(self.workers) if self.ordered else AsTheyCome(self.workers)

    def tally(self, items: object) -> Tally:
        """Return the counts of a map over ``items``, all zero."""
        total = length_hint(items, -1)
        return Tally(self.name, None if total < 0 else total)

    def reporter(self, tally: Tally) -> Reporter:
        """Return the reporter of the counts."""
        return reporter_of(self._progress, tally)


class Queue:
    """The calls that were begun and not yet given."""

    def __init__(self, workers: int) -> None:
        """Allow for some results for each worker before they are given."""
        self._room = _WINDOW * workers
        self._calls: deque[Call] = deque()

    def begin(self, call: Call) -> None:
        """Add a call that was begun, or is done already."""
        raise NotImplementedError

    def end(self, call: Call) -> None:
        """Note that a call that was begun is done."""
        raise NotImplementedError

    def next(self) -> Call | None:
        """Take out the next call whose outcome is to be given, if it is done."""
        raise NotImplementedError

    def has_room(self) -> bool:
        """Return whether one more call may be begun."""
        return len(self._calls) < self._room


class InOrder(Queue):
    """Outcomes in the order of the items."""

    def begin(self, call: Call) -> None:
        """Add a call after those that were begun before."""
        self._calls.append(call)

    def end(self, call: Call) -> None:
        """Do nothing: its place stays the same."""

    def next(self) -> Call | None:
        """Take out the first call, if it is done."""
        return self._calls.popleft() if self._calls and self._calls[0].is_done else None


class AsTheyCome(Queue):
    """Outcomes as soon as they are available."""

    def begin(self, call: Call) -> None:
        """Add a call if it is done."""
        if call.is_done:
            self._calls.append(call)

    def end(self, call: Call) -> None:
        """Add a call that is done."""
        self._calls.append(call)

    def next(self) -> Call | None:
        """Take out the call that was done first."""
        return self._calls.popleft() if self._calls else None


def checked_items(items: Any, takes: str) -> Iterable[Any]:
    """Return ``items`` if it is iterable and not a single str by mistake.

    Raises:
        TypeError: it is a str, or not iterable.
    """
    if isinstance(items, (str, bytes)):
        raise TypeError(
            f"{takes} takes many items, not the one {items!r:.60}: write [{items!r:.60}]"
        )
    if not hasattr(items, "__iter__") and not hasattr(items, "__aiter__"):
        raise TypeError(f"{takes} takes an iterable of items, not {type(items).__name__}")
    found: Iterable[Any] = items
    return found
