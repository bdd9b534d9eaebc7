"""``make bench-plot``: the main chart, drawn as SVG by hand from the figures of ``make bench``."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_LEFT, _WIDTH, _BAR, _GAP = 210, 430, 18, 8
#: Which tables, under which heading.
_CHARTS = {
    "Hit, one str argument, one key": "One hit, the result shared by all callers",
    "Hit, a fresh dict of 2 KB": "One hit, a fresh copy of a 2 KB dict",
    "Hit, a fresh dict of 2 KB, against those that persist": "The same, caches that keep a file",
    "Load at import, 100 MB, CPU": "Loading a file of 100 MB",
}
_SCALE = {"ns": 1.0, "s": 1e9}
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.head { font-weight: 600; font-size: 14px }
.ours { fill: #1a7f37 } .other { fill: #8c959f }
.tick { font-size: 11px } .line { stroke: #8c959f; stroke-opacity: 0.35 }
@media (prefers-color-scheme: dark) {
  text { fill: #b1bac4 } .ours { fill: #3fb950 } .other { fill: #6e7681 }
}
"""
_NOTES = (
    "Each group has a logarithmic axis: from one line to the next, ten times the time.",
    "The original: the decorator that outlive's drop-in replaces, a dict in Python code.",
)


def draw(figures: dict[str, Any]) -> str:
    """The whole picture; bars are logarithmic, as the times differ a thousandfold."""
    tables = {table["title"]: table for table in figures["tables"]}
    parts, top = [], 8
    for title, heading in _CHARTS.items():
        if title in tables:
            drawn, top = _chart(tables[title], heading, top)
            parts.append(drawn)
    for note in (*_NOTES, " | ".join(figures["header"].splitlines()[:2])):
        top += 16
        parts.append(f'<text class="tick" x="8" y="{top}">{escape(note)}</text>')
    width, height = _LEFT + _WIDTH + 110, top + 12
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _chart(table: dict[str, Any], heading: str, top: int) -> tuple[str, int]:
    scale = _SCALE[table["unit"]]
    values = {name: value * scale for name, value in table["values"].items()}
    # Half a decade below the shortest, so that it has a bar, too.
    low, high = math.log10(min(values.values())) - 0.5, math.log10(max(values.values()))
    lines = [f'<text class="head" x="8" y="{top + 16}">{escape(heading)}</text>']
    top += 26
    bottom = top + len(values) * (_BAR + _GAP)
    for decade in range(math.ceil(low), math.floor(high) + 1):
        lines.append(_tick(decade, _LEFT + _WIDTH * (decade - low) / (high - low), top, bottom))
    for name, value in values.items():
        width = _WIDTH * (math.log10(value) - low) / (high - low)
        lines.append(_bar(name, value, width, top))
        top += _BAR + _GAP
    return "\n".join(lines), top + 26


def _tick(decade: int, x: float, top: int, bottom: int) -> str:
    return (
        f'<line class="line" x1="{x:.0f}" y1="{top - 4}" x2="{x:.0f}" y2="{bottom}"/>'
        f'<text class="tick" x="{x:.0f}" y="{bottom + 10}" text-anchor="middle">'
        f"{_time(10.0**decade)}</text>"
    )


def _bar(name: str, value: float, width: float, top: int) -> str:
    kind, y = "ours" if name.startswith("outlive") else "other", top + _BAR - 4
    return (
        f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{width:.0f}" height="{_BAR}" rx="2"/>'
        f'<text x="{_LEFT + width + 6:.0f}" y="{y}">{_time(value)}</text>'
    )


def _time(nanoseconds: float) -> str:
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def main() -> None:
    """Read the figures, write the picture."""
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(draw(json.loads(source.read_text())))
    print(f"drawn: {target}")


if __name__ == "__main__":
    main()
