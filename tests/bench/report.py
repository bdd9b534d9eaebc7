"""Tables that a person enjoys reading, and the same as JSON."""

from __future__ import annotations

import json
import platform
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from . import goals
from .timing import Variant

_WIDTH = 46
_UNITS = {
    "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")],
    "s": [(1, "s"), (1e-3, "ms"), (1e-6, "us")],
    "MB": [(1e3, "GB"), (1, "MB")],
    "x": [(1, "x")],
}


@dataclass
class Table:
    """The answers to one question, ours first."""

    title: str
    #: Of what the values count: ns, s, MB, or x (how many times as much).
    unit: str
    #: By name, ours first.
    values: dict[str, float]
    #: How many times as much a peer must need.
    ratios: dict[str, float] = field(default_factory=dict)
    #: The most that a line of ours may need, in the unit.
    limits: dict[str, float] = field(default_factory=dict)
    #: The least that a line of ours must reach, in the unit.
    least: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def ours(self) -> float:
        """The value that the others are compared with."""
        return next(iter(self.values.values()))

    def ratio(self, name: str) -> float:
        """How many times as much as ours."""
        return self.values[name] / max(self.ours, 1e-9)

    def verdicts(self) -> dict[str, bool]:
        """By name: whether the goal is met."""
        there = [name for name in self.ratios if name in self.values]
        met = {name: self.ratio(name) >= self.ratios[name] for name in there}
        met |= {name: self.values[name] <= most for name, most in self.limits.items()}
        return met | {name: self.values[name] >= least for name, least in self.least.items()}


def of_variants(title: str, variants: dict[str, Variant], **rest: Any) -> Table:
    """A table of what was measured."""
    values = {name: variant.time for name, variant in variants.items()}
    return Table(title, "ns", values, **rest)


def show(table: Table) -> None:
    """Print ``table``."""
    print(f"\n{table.title}")
    if table.note:
        print(f"  ({table.note})")
    verdicts = table.verdicts()
    for number, name in enumerate(table.values):
        print(_line(table, name, number, verdicts.get(name)).rstrip())
    sys.stdout.flush()


def _line(table: Table, name: str, number: int, met: bool | None) -> str:
    compared = number > 0 and table.unit != "x"
    ratio = f"{_short(table.ratio(name))}x" if compared else ""
    goal = ""
    if name in table.ratios:
        goal = f"goal {_short(table.ratios[name])}x"
    elif name in table.limits:
        goal = f"goal <= {_amount(table.limits[name], table.unit)}"
    elif name in table.least:
        goal = f"goal >= {_amount(table.least[name], table.unit)}"
    mark = "" if met is None else ("met" if met else "MISSED")
    amount = _amount(table.values[name], table.unit)
    return f"  {name:<{_WIDTH}}{amount:>10}{ratio:>9}   {goal:<16} {mark}"


def _short(number: float) -> str:
    return (
        f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number >= 10 else f"{number:.1f}"
    )


def _amount(value: float, unit: str) -> str:
    for size, name in _UNITS[unit]:
        if value >= size:
            return (
                f"{value / size:.3g} {name}"
                if value < 1000 * size
                else f"{value / size:,.0f} {name}"
            )
    return f"{value:.2g} {unit}"


def header() -> str:
    """The machine, the date and the versions."""
    build = "with PGO" if goals.build() == "pgo" else "without PGO"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        build += f", free-threaded, the GIL {'on' if sys._is_gil_enabled() else 'off'}"
    python = f"{platform.python_implementation()} {platform.python_version()} ({build})"
    names = (
        "outlive",
        "cachetools",
        "cachebox",
        "moka-py",
        "joblib",
        "diskcache",
        "cachier",
        "cachau",
        "checkpointer",
        "sqlitedict",
        "orjson",
        "redis",
        "dogpile.cache",
        "cashews",
        "aiocache",
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    when = time.strftime("%Y-%m-%d %H:%M %Z")
    return f"{when}, {processor()}, {platform.system()}\n{python}\n{versions}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(missing)"


def processor() -> str:
    """The processor's own name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(names)} cores"


def summary(tables: list[Table]) -> str:
    """How many goals are met, and which are not."""
    verdicts = [(t, name, met) for t in tables for name, met in t.verdicts().items()]
    missed = [f"  {t.title}: {name}" for t, name, met in verdicts if not met]
    head = f"{len(verdicts) - len(missed)} of {len(verdicts)} goals met"
    return "\n".join([head + (", missed:" if missed else ""), *missed])


def write(path: Path, tables: list[Table]) -> None:
    """Keep the figures for the chart."""
    shapes: Callable[[Table], dict[str, Any]] = lambda t: vars(t)  # noqa: E731
    content = {"header": header(), "tables": [shapes(table) for table in tables]}
    path.write_text(json.dumps(content, indent=1) + "\n")
