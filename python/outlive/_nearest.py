"""Finds the kept call that is nearest to a missed one."""

from __future__ import annotations

from collections.abc import Iterable

from . import _arguments

#: Caches with more entries than this are not searched for the sake of a message.
MOST = 20_000


def nearest(key: str, start: str, others: Iterable[str]) -> str | None:
    """Return how ``key`` differs from the kept call that differs in the fewest arguments.

    Args:
        key: The key text that was missed.
        start: The beginning of all keys of the function, up to the parenthesis or further.
        others: The key texts that are kept.
    """
    if not key.startswith(start) or "(" not in start:
        return None  # a key of the drop-in is no call
    function = start.removeprefix("outlive:").partition("(~")[0].removesuffix("(")
    mine, best, fewest = _arguments.of(key, function), None, None
    for count, other in enumerate(others):
        if count == MOST:
            break
        if not other.startswith(start):
            continue
        theirs = _arguments.of(other, function)
        differing = [name for name in {**theirs, **mine} if theirs.get(name) != mine.get(name)]
        if fewest is None or len(differing) < fewest:
            fewest = len(differing)
            best = [
                f"{name}: {_short(theirs.get(name))} -> {_short(mine.get(name))}"
                for name in differing
            ]
    return ", ".join(best) if best else None


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= 60 else f"{text[:40]}...{text[-10:]}"
