"""One call with many items: it computes its own, then waits for what others compute."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from .. import _core
from .._core import PAUSES, PendingCall
from .._steps import Pause, Step
from .shape import Shape
from .steps import Compute, Wait

Steps = Generator[Step, Any, Any]


class Missing:
    """An item without a result: its call, and its places in the list."""

    __slots__ = ("call", "is_settled", "item", "place")

    def __init__(self, item: Any, call: PendingCall, place: int) -> None:
        self.item, self.call, self.place = item, call, place
        self.is_settled = False

    def is_mine(self) -> bool:
        """Return whether the result can be computed here and now."""
        call = self.call
        return call.key is None or (call.leads and call.acquire() and call.is_missing())


class BatchCall:
    """One call of a function of many items."""

    def __init__(
        self,
        native: _core.Memoised,
        shape: Shape,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._native, self._shape = native, shape
        self._args, self._kwargs = args, kwargs
        self._items = shape.items(args, kwargs)
        self._results: list[Any] = [None] * len(self._items)
        #: Further places of items that stand in the list more than once.
        self._twice: list[tuple[int, Missing]] = []

    def steps(self) -> Steps:
        """Look all items up, and compute the rest."""
        return self._steps(self._native)

    def refreshing(self) -> Steps:
        """Compute all items anew, and keep the results."""
        return self._steps(self._native.refresh)

    def _steps(self, ask: Callable[..., Any]) -> Steps:
        todo = self._look_up(ask)
        try:
            yield from self._settle(todo)
        finally:
            _give_up(todo)
        self._share()
        return self._shape.put_together(self._items, self._results)

    def _ask(self, ask: Callable[..., Any], item: Any) -> Any:
        args, kwargs = self._shape.call(item, self._args, self._kwargs)
        return ask(*args, **kwargs)

    def _look_up(self, ask: Callable[..., Any]) -> list[Missing]:
        """Fill in the kept results; return the items without one, each once."""
        found: dict[str, Missing] = {}
        straight: list[Missing] = []
        try:
            for place, item in enumerate(self._items):
                result = self._ask(ask, item)
                if type(result) is not PendingCall:
                    self._results[place] = result
                    continue
                key = result.key
                if key is None:  # the mode is off: nothing tells items apart
                    straight.append(Missing(item, result, place))
                elif key in found:
                    self._twice.append((place, found[key]))
                else:
                    found[key] = Missing(item, result, place)
        except BaseException:
            _give_up(found.values())
            raise
        return [*found.values(), *straight]

    def _share(self) -> None:
        """Fill in the other places of items that are in the list more than once."""
        for place, first in self._twice:
            again = self._ask(self._native, first.item)
            if type(again) is PendingCall:  # it is not kept
                again.give_up()
                again = self._results[first.place]
            self._results[place] = again

    def _settle(self, todo: list[Missing]) -> Steps:
        while todo:
            mine: list[Missing] = []
            others: list[Missing] = []
            for missing in todo:
                (mine if missing.is_mine() else others).append(missing)
            # While this call leads anything it waits for nobody: others may wait for it.
            _give_up(others if mine else others[1:])
            if mine:
                yield from self._compute_all(mine)
            else:
                yield from self._wait(others[0])
            self._ask_again(todo)

    def _ask_again(self, todo: list[Missing]) -> None:
        """Ask once more for what is not settled, and leave in ``todo`` what is still missing."""
        todo[:] = [missing for missing in todo if not missing.is_settled]
        for missing in todo:
            found = missing.call.retry()
            if type(found) is PendingCall:
                missing.call = found
            else:
                self._fill(missing, found)
        todo[:] = [missing for missing in todo if not missing.is_settled]

    def _fill(self, missing: Missing, result: Any) -> None:
        self._results[missing.place] = result
        missing.is_settled = True

    def _wait(self, missing: Missing) -> Steps:
        """Wait for another thread or process; this call leads nothing, or this item alone."""
        call, (pause, longest) = missing.call, PAUSES
        if call.leads:
            while call.is_busy():
                yield Pause(pause)
                pause = min(2 * pause, longest)
            if call.is_missing():
                yield from self._compute([missing])
            return
        if call.waits:
            if (yield Wait(call)):
                outcome = call.outcome()
                if outcome is not None:
                    self._fill(missing, outcome[0])
                return
            call.compute_beside()
        yield from self._compute([missing])

    def _compute_all(self, mine: list[Missing]) -> Steps:
        size = self._shape.batch or len(mine)
        for start in range(0, len(mine), size):
            yield from self._compute(mine[start : start + size])

    def _compute(self, batch: list[Missing]) -> Steps:
        """Call the function with the items of ``batch``, and keep what it returns."""
        items = [missing.item for missing in batch]
        function = batch[0].call.target[0]
        args, kwargs = self._shape.call(items, self._args, self._kwargs)
        for missing in batch:
            missing.call.count()
        try:
            given = yield Compute(lambda: function(*args, **kwargs), [m.call for m in batch])
            results = self._shape.take_apart(items, given)
        except Exception as error:
            self._fail(batch, error)
            return
        lacking = []
        for missing, result in zip(batch, results, strict=True):
            if result is None:
                lacking.append(missing)
            else:
                self._fill(missing, missing.call.keep(result[0]))
        if lacking:
            self._fail(lacking, self._shape.lacking([missing.item for missing in lacking]))
        self._shape.expect(given)

    def _fail(self, batch: list[Missing], error: Exception) -> None:
        """Hand the error to all waiting calls; raise it unless older results may be served."""
        raised: BaseException | None = None
        for missing in batch:
            try:
                self._fill(missing, missing.call.fail(error))
            except BaseException as failure:
                raised = failure
        if raised is not None:
            raise raised


def _give_up(left: Iterable[Missing]) -> None:
    """Let others compute what is not settled."""
    for missing in left:
        missing.call.give_up()
