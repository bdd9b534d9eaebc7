"""What a cache shows of itself: receipts and a report; and who is told of its calls."""

from __future__ import annotations

import os

from . import _options
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._cache_state import CacheState
    from ._receipts import Receipts
    from ._report import Report


class LookInside:
    """The methods of a cache beyond those of a mapping that show its contents and use."""

    _state: CacheState

    def receipts(self, *, all_runs: bool = False) -> Receipts:
        """Return the counts of calls to all functions of the cache, and what hits saved.

        ``f.receipts()`` is of one function. Functions that are gone are not counted.

        Args:
            all_runs: Whether earlier runs count, too, which needs ``Cache(receipts=True)``. False
                (default): this process alone.

        Raises:
            ValueError: ``all_runs`` without ``Cache(receipts=True)``.
        """
        from . import _savings

        if not all_runs:
            return _savings.total(_savings.of_cache(self._state))
        kept = self._state.kept_receipts
        if kept is None:
            raise ValueError("all_runs=True needs a Cache(..., receipts=True)")
        return _savings.total(kept.all_runs())

    def report(self) -> Report:
        """Return entries, calls and savings by function: ``print(cache.report())``.

        A notebook shows it as a table.
        """
        from . import _report

        return _report.of_cache(self._state)

    def _keep_receipts(self, keep: bool) -> None:
        """Keep receipts across runs if that is asked for.

        Raises:
            TypeError: ``keep`` is neither True nor False.
            ValueError: there is no file beside which they could be kept.
        """
        if not _options.flag(keep, "receipts"):
            return
        if not self._state.has_file:
            raise ValueError("receipts=True needs a cache in a file: they are kept beside it")
        from ._kept_receipts import KeptReceipts

        self._state.kept_receipts = KeptReceipts(self._state)

    def _show_calls(self, **hooks: Callable[[Any], object] | None) -> None:
        """Set the callables for hits, misses and stores; and the report at exit, if asked for.

        Raises:
            TypeError: one of them is not callable.
        """
        for name, hook in hooks.items():
            _options.callable_or_none(hook, name)
        if os.environ.get("OUTLIVE_REPORT", "0") not in ("", "0"):
            from . import _report

            _report.at_exit(self._state)
        if not any(hooks.values()):
            return
        from . import _observe  # noqa: F401 - not in the first miss, which would count it
        from ._hooks import Hooks

        self._state.hooks = found = Hooks(**hooks)
        wanted = {"hits": found.on_hit, "misses": found.on_miss, "stores": found.on_store}
        self._state.core.watch(**{name: hook is not None for name, hook in wanted.items()})
