"""A cache in figures: what it holds, what its functions did here, and what that saved."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from . import _savings
from ._facts import NO_FUNCTION, Sum
from ._page.html import fragment
from ._page.survey import Survey, survey
from ._receipts import Receipts
from ._spans import size, span

if TYPE_CHECKING:
    from ._cache_state import CacheState

_HEADS = ("function", "entries", "size", "calls", "hits", "misses", "saved")


@dataclass(frozen=True)
class Line:
    """One function: what is kept of it, and its calls in this process."""

    function: str
    entries: int
    #: Bytes of the texts of its results.
    size: int
    receipts: Receipts


@dataclass(frozen=True)
class Report:
    """Entries, calls and savings of a cache by function; ``str()`` of it is a table.

    Attributes:
        label: The file, or the cache's name in messages.
        lines: One for each function; the one that saved most comes first.
        total: The sum of all.
        survey: The contents of the cache, as the page of ``outlive report`` shows them.
    """

    label: str
    lines: tuple[Line, ...]
    total: Line
    survey: Survey

    def __str__(self) -> str:
        rows = [_HEADS, *map(_cells, (*self.lines, self.total))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join([self.label, *(_aligned(row, widths) for row in rows)])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(line))}</tr>"
            for line in (*self.lines, self.total)
        )
        table = (
            "<section><h2>Calls in this process</h2>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"
        )
        return fragment(self.survey, table)


def of_cache(state: CacheState) -> Report:
    """Return the report of a cache."""
    receipts = _savings.of_cache(state)
    found = survey(state.visible, state.label, state.now())
    sums = {name: each for name, each in found.functions if name != NO_FUNCTION}
    lines = [
        _line(name, sums.get(name, Sum()), receipts.get(name, Receipts()))
        for name in {**receipts, **sums}
    ]
    lines.sort(key=lambda line: (-line.receipts.seconds_saved, -line.size, line.function))
    total = _line("all", found.total, _savings.total(receipts))
    return Report(state.label, tuple(lines), total, found)


def _line(name: str, kept: Sum, receipts: Receipts) -> Line:
    return Line(name, kept.entries, kept.size, receipts)


def line_of(state: CacheState) -> str | None:
    """Return what a cache did in this process in one line; None if it was not called."""
    receipts = _savings.total(_savings.of_cache(state))
    if not receipts.calls:
        return None
    return f"outlive: {_savings.saved(receipts)}, {_file_of(state)}"


def at_exit(state: CacheState) -> None:
    """Print that line on stderr when the interpreter ends: ``OUTLIVE_REPORT=1``."""

    def tell() -> None:
        if state.core.is_loaded:
            state.core.save()
        line = line_of(state)
        if line is not None:
            print(line, file=sys.stderr)

    atexit.register(tell)


def _file_of(state: CacheState) -> str:
    try:
        length = os.path.getsize(state.path or "")
    except OSError:
        return "in memory" if state.path is None else os.path.basename(state.path)
    return f"{os.path.basename(state.path or '')} {size(length)}"


def _cells(line: Line) -> tuple[str, ...]:
    counts = (line.receipts.calls, line.receipts.hits, line.receipts.misses)
    saved = span(line.receipts.seconds_saved) if line.receipts.hits else "-"
    if line.receipts.cost_saved:
        saved += f" and {line.receipts.cost_saved:,.2f}"
    numbers = (f"{line.entries:,}", size(line.size), *(f"{count:,}" for count in counts))
    return (line.function, *numbers, saved)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    def cells() -> Iterator[str]:
        yield row[0].ljust(widths[0])
        for cell, width in zip(row[1:], widths[1:], strict=True):
            yield cell.rjust(width)

    return "  ".join(cells()).rstrip()
