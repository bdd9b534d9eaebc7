"""Charts as SVG that follows the colours of the page and gives its numbers to a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_ROW, _BAR, _NAME, _WIDTH = 26, 14, 230, 640


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Return a chart of horizontal bars.

    Args:
        title: What it shows.
        rows: The name, the value and the shown value of each bar.
    """
    most = max((value for _, value, _ in rows), default=0) or 1
    room = _WIDTH - _NAME - 110
    shown = "".join(
        _bar(number, name, room * value / most, text)
        for number, (name, value, text) in enumerate(rows)
    )
    height = _ROW * len(rows)
    said = escape(f"{title}: " + "; ".join(f"{name}: {text}" for name, _, text in rows))
    return (
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}">{shown}</svg>'
    )


def _bar(number: int, name: str, width: float, text: str) -> str:
    top = _ROW * number
    middle = top + _ROW / 2 + 4
    width = max(width, 1) if width else 0  # what is little shows, what is nothing does not
    short = name if len(name) <= 32 else f"{name[:15]}…{name[-15:]}"
    return (
        f"<g><title>{escape(name)}: {escape(text)}</title>"
        f'<text class="name" x="{_NAME - 10}" y="{middle}">{escape(short)}</text>'
        f'<rect class="bar" x="{_NAME}" y="{top + (_ROW - _BAR) / 2}" rx="2" '
        f'width="{width:.1f}" height="{_BAR}"/>'
        f'<text class="value" x="{_NAME + width + 8:.1f}" y="{middle}">{escape(text)}</text></g>'
    )
