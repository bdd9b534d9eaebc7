"""The entries that a command is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from .. import _arguments, _core, _durations
from .._facts import Fact, Sum

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def _seconds(_ctx: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """A duration as ``ttl=`` takes it, in seconds."""
    try:
        return None if value is None else _durations.seconds(value, "it")
    except ValueError:
        raise click.BadParameter(f'{value!r}: write "90s", "15m", "1h", "1d" or "2w"') from None


def in_bytes(_ctx: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """Return a number of bytes: 500, 100kB, 2GB."""
    if value is None:
        return None
    text = value.strip().upper().removesuffix("B")
    number, unit = (text[:-1], text[-1:]) if text[-1:] in tuple("KMGT") else (text, "")
    try:
        return int(float(number) * _UNITS[unit])
    except ValueError:
        words = f"{value!r}: write a number of bytes, such as 500, 100kB or 2GB"
        raise click.BadParameter(words) from None


def older_than(command: Any) -> Any:
    """Add ``--older-than``."""
    text = "Only what was made longer ago: 90s, 15m, 1h, 30d, 2w."
    return click.option("--older-than", callback=_seconds, metavar="AGE", help=text)(command)


def of_function(command: Any) -> Any:
    """Add ``--function``."""
    text = "Only results of this function; its last name is enough."
    return click.option("--function", metavar="NAME", help=text)(command)


def pattern_of(text: str | None) -> str | None:
    """Return the pattern for PATTERN: with * or ? as for file names, else a part of the key."""
    if text is None:
        return None
    return text if "*" in text or "?" in text else f"*{_arguments.literal(text)}*"


def names_of(core: _core.Cache, function: str) -> list[str]:
    """Return the names of kept functions that ``function`` means, whatever their versions."""
    found = [name for name, _ in core.facts.sums() if name]

    def bare(name: str) -> str:
        return name.partition("@")[0].partition("[")[0]

    exact = [name for name in found if function in (name, bare(name))]
    return exact or [name for name in found if bare(name).rpartition(".")[2] == function]


def facts(
    core: _core.Cache,
    *,
    pattern: str | None = None,
    function: str | None = None,
    age: float | None = None,
    order: str | None = None,
    descending: bool = False,
    limit: int | None = None,
) -> tuple[list[Fact], Sum]:
    """Return the first entries of the selection, and the sum of all of it.

    Args:
        core: The cache.
        pattern: A part of the key, or a pattern with * or ?.
        function: The function that made them, by its whole name or the last part of it.
        age: How many seconds old the entries are at least.
        order: None (as they came), "key", "size", "created" or "took".
        descending: Whether the largest come first.
        limit: How many to return; None: all.
    """
    names: list[str | None] = [None] if function is None else [*names_of(core, function)]
    before = None if age is None else time.time() - age
    found, whole = list[Fact](), Sum()
    for name in names:
        rows, total = core.facts.rows(
            pattern=pattern_of(pattern),
            function=name,
            before=before,
            order=order,
            descending=descending,
            limit=limit,
        )
        found += (Fact(*row) for row in rows)
        whole = whole.plus(Sum(*total))
    if len(names) > 1 and order is not None:
        found.sort(key=_sorting(order), reverse=descending)
    return found[:limit], whole


def _sorting(order: str) -> Callable[[Fact], Any]:
    return lambda fact: getattr(fact, order) or (0 if order != "key" else "")
