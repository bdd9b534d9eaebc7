"""``ls`` and ``stats``: what a cache holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from .. import _kept_receipts, _savings
from .._facts import Fact, Sum, by_function
from .._spans import ago, entries, size, span
from .._stores import shown
from . import output, selecting
from .opening import FOUND, NOTHING, core_of, file_argument, opened

if TYPE_CHECKING:
    from rich.console import Console

_SORTED_BY = {"size": "size", "age": "created", "took": "took", "key": "key"}
_SHOWN = 50
_HEADS = ("age", "size", "took")
_GAP = 2
_BAR = 30


@click.command()
@file_argument()
@click.argument("pattern", required=False)
@click.option("--sort", type=click.Choice(list(_SORTED_BY)), help="Largest, oldest, slowest first.")
@click.option("-r", "--reverse", is_flag=True, help="Smallest, newest, fastest first.")
@selecting.older_than
@selecting.of_function
@click.option("-n", "count", type=click.IntRange(0), help="How many; 50 on a terminal, else all.")
@output.as_json_option
@click.pass_context
def ls(ctx: click.Context, /, file: str, count: int | None, as_json: bool, **meant: Any) -> None:
    """List entries: age, size, how long the call took, key; totals last.

    PATTERN is a part of the key, or with * and ? a pattern for all of it. In a pipe each entry is a
    line of four fields between tabs (time in UTC, bytes, seconds, key); the totals go to stderr.

    \b
    Example: the ten largest results of one function
        outlive ls github.json --function fetch --sort size -n 10
    """
    order = _SORTED_BY.get(meant["sort"] or "")
    descending = (order in ("size", "took")) != meant["reverse"]
    if count is None and output.is_terminal() and not as_json:
        count = _SHOWN
    with opened(file) as cache:
        facts, total = selecting.facts(
            core_of(cache),
            pattern=meant["pattern"],
            function=meant["function"],
            age=meant["older_than"],
            order=order,
            descending=descending,
            limit=count,
        )
    if as_json:
        listed = [output.document_of(fact) for fact in facts]
        output.emit({"entries": listed, "total": output.document_of_sum(total)})
    elif output.is_terminal():
        _print_table(facts, total)
    else:
        _print_lines(facts, total)
    ctx.exit(FOUND if total.entries else NOTHING)


def _print_table(facts: list[Fact], total: Sum) -> None:
    from rich.table import Table
    from rich.text import Text

    console, now = output.console(), time.time()
    rows = [(_age(fact, now), size(fact.size), _took(fact)) for fact in facts]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    room = max(console.width - sum(widths) - _GAP * len(widths), 10)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for head, width in zip(_HEADS, widths, strict=True):
        table.add_column(head, justify="right", no_wrap=True, min_width=width)
    table.add_column("key", no_wrap=True)
    for fact, row in zip(facts, rows, strict=True):
        key = Text(output.one_line(fact.key), style="red" if fact.is_error else "")
        key.truncate(room, overflow="ellipsis")
        table.add_row(*row, key)
    console.print(table)
    console.print(Text(_total(len(facts), total), style="dim"))


def _age(fact: Fact, now: float) -> str:
    return "?" if fact.created is None else ago(fact.created, now).removesuffix(" ago")


def _took(fact: Fact) -> str:
    return "" if fact.took is None else span(fact.took)


def _print_lines(facts: list[Fact], total: Sum) -> None:
    for fact in facts:
        took = "" if fact.took is None else f"{fact.took:.3f}"
        time, key = output.iso(fact.created) or "", output.one_line(fact.key)
        click.echo(f"{time}\t{fact.size}\t{took}\t{key}")
    click.echo(_total(len(facts), total), err=True)


def _total(shown: int, total: Sum) -> str:
    part = "" if shown == total.entries else f"{shown:,} of "
    took = f", computed in {span(total.took)}" if total.timed else ""
    return f"{part}{entries(total.entries)}, {size(total.size)}{took}"


@click.command()
@file_argument()
@output.as_json_option
@click.pass_context
def stats(ctx: click.Context, file: str, as_json: bool) -> None:
    """Sum up a cache: entries, bytes and functions, the oldest, newest, largest and slowest entry.

    \b
    Example:
        outlive stats github.json
    """
    with opened(file) as cache:
        sums, rows = core_of(cache).facts.overview()
    functions, total = by_function(sums), Sum()
    for _, each in functions:
        total = total.plus(each)
    receipts = _savings.total(_kept_receipts.read(file))
    facts = (None if row is None else Fact(*row) for row in rows)
    marked = dict(zip(_MARKED, facts, strict=True))
    if as_json:
        document: dict[str, Any] = output.document_of_sum(total)
        document["functions"] = {name: output.document_of_sum(each) for name, each in functions}
        document["receipts"] = receipts._asdict() if receipts.calls else None
        known = {name: output.document_of(fact) for name, fact in marked.items() if fact}
        output.emit({**document, "marked": known})
    else:
        _print_stats(file, total, functions, marked)
        if receipts.calls:
            click.echo(f"\nreceipts of all runs: {_savings.saved(receipts)}")
    ctx.exit(FOUND if total.entries else NOTHING)


#: What stands out.
_MARKED: tuple[str, ...] = ("oldest", "newest", "largest", "slowest")


def _print_stats(
    file: str, total: Sum, functions: list[tuple[str, Sum]], marked: dict[str, Fact | None]
) -> None:
    from rich.text import Text

    console, now = output.console(), time.time()
    console.print(Text(shown(file), style="bold"))
    console.print(Text(_total(total.entries, total)))
    for name, fact in marked.items():
        if fact is not None:
            value = {"largest": size(fact.size), "slowest": span(fact.took or 0.0)}.get(name)
            told = value or ago(fact.created or 0.0, now)
            console.print(Text(f"{name:8} {told:>10}  {_shortened(output.one_line(fact.key))}"))
    _print_functions(console, functions)


def _print_functions(console: Console, functions: list[tuple[str, Sum]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("function", overflow="fold")
    for head in ("entries", "size", "took"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("share of the bytes", no_wrap=True)
    most = max((each.size for _, each in functions), default=0)
    for name, each in functions:
        bar = "█" * round(_BAR * each.size / most) if most else ""
        took = span(each.took) if each.timed else ""
        table.add_row(name, f"{each.entries:,}", size(each.size), took, bar or "▏")
    console.print()
    console.print(table)


def _shortened(key: str) -> str:
    return key if len(key) <= 60 else f"{key[:45]}...{key[-12:]}"
