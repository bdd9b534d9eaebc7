"""The calls of a cache's functions in this process, and what they saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._facts import Fact, Sum
from ._receipts import Receipts, add
from ._spans import span

if TYPE_CHECKING:
    from . import _core
    from ._cache_state import CacheState


def of_function(state: CacheState, memoised: _core.Memoised) -> Receipts:
    """Return the receipts of one function in this process."""
    hits, misses, _ = memoised._outlive_manager.counts()
    if not hits:
        return Receipts(misses, 0, misses)
    mean = _sum_of(state, memoised).mean or 0.0
    return Receipts(hits + misses, hits, misses, hits * mean, hits * _mean_cost(state, memoised))


def of_cache(state: CacheState) -> dict[str, Receipts]:
    """Return the receipts of each function by name; functions of one name are summed up."""
    found: dict[str, Receipts] = {}
    for memoised in state.functions():
        add(found, memoised.name, of_function(state, memoised))
    return found


def total(receipts: dict[str, Receipts]) -> Receipts:
    """Return the sum of all."""
    whole = Receipts()
    for each in receipts.values():
        whole = whole.plus(each)
    return whole


def saved(receipts: Receipts) -> str:
    """Return what hits saved, in words: ``96 of 100 calls saved, 3 min, 0.20 in money``."""
    calls = f"{receipts.hits:,} of {receipts.calls:,} calls saved, {span(receipts.seconds_saved)}"
    return f"{calls}, {receipts.cost_saved:,.2f} in money" if receipts.cost_saved else calls


def _sum_of(state: CacheState, memoised: _core.Memoised) -> Sum:
    """What is known of the entries of a function; in the drop-in, where functions share, of all."""
    found = Sum(*state.core.facts.sum_of(state.start_of(memoised)))
    if state.is_drop_in and not found.timed:
        return Sum(*state.core.facts.rows(limit=0)[1])
    return found


def _mean_cost(state: CacheState, memoised: _core.Memoised) -> float:
    """The mean cost of a computed call."""
    cost: Any = memoised._outlive_registration.options.cost
    if cost is None or not callable(cost):
        return float(cost or 0.0)
    start = state.start_of(memoised)
    facts = (Fact(*row) for row in state.core.facts.rows(function=memoised.name)[0])
    costs = [fact.notes.get("cost") for fact in facts if fact.key.startswith(start)]
    known = [float(each) for each in costs if isinstance(each, (int, float))]
    return sum(known) / len(known) if known else 0.0
