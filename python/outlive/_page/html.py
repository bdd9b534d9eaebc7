"""The page, and the part of it that a notebook shows."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from .._facts import Fact, Sum
from .._spans import ago, entries, moment, size, span
from . import charts
from .survey import Histogram, Survey

#: So many functions have a bar.
_BARS = 20


def page(found: Survey) -> str:
    """Return one HTML document that needs nothing else, not even a network."""
    title = f"outlive: {escape(found.label)}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="data:,"></head>'
        f"<body><main>{fragment(found)}{_table(found)}</main><script>{_file('page.js')}</script></body></html>\n"
    )


def fragment(found: Survey, more: str = "") -> str:
    """Return totals and charts for a page, or a cell of a notebook.

    Args:
        found: What there is in the cache.
        more: HTML to stand between totals and charts.
    """
    shown = [(name, each.size, _of_function(each)) for name, each in found.functions]
    functions = charts.bars("Bytes by function", shown[:_BARS])
    rest = len(shown) - _BARS
    note = f"<p>and {rest:,} smaller ones</p>" if rest > 0 else ""
    histograms = "".join(map(_histogram, found.histograms))
    return (
        f'<style>{_file("page.css")}</style><div class="outlive">'
        f"<header><h1>{escape(found.label)}</h1>{_tiles(found)}</header>{more}"
        f"<section><h2>Functions</h2>{functions}{note}</section>{histograms}</div>"
    )


def _of_function(found: Sum) -> str:
    return f"{size(found.size)}, {entries(found.entries)}"


def _histogram(found: Histogram) -> str:
    pairs = zip(found.labels, found.counts, strict=True)
    rows = [(label, float(count), f"{count:,}") for label, count in pairs]
    chart = charts.bars(f"Entries by {found.title.lower()}", rows)
    return f"<section><h2>{escape(found.title)}</h2>{chart}</section>"


def _tiles(found: Survey) -> str:
    total = found.total
    tiles = [("entries", f"{total.entries:,}"), ("size", size(total.size))]
    if total.timed:
        tiles += [("computed in", span(total.took)), ("mean of a call", span(total.mean or 0.0))]
    if total.oldest is not None and total.newest is not None:
        tiles += [
            ("oldest", ago(total.oldest, found.now)),
            ("newest", ago(total.newest, found.now)),
        ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    return f"<dl>{shown}</dl>"


def _table(found: Survey) -> str:
    heads = ("key", "age", "size", "took")
    head = "".join(
        f'<th scope="col"><button type="button" data-column="{number}">{name}</button></th>'
        for number, name in enumerate(heads)
    )
    body = "".join(_row(fact, found.now) for fact in found.facts)
    count = len(found.facts)
    which = "All entries" if count == found.total.entries else "The largest and slowest entries"
    return (
        '<div class="outlive entries"><section><h2>Entries</h2>'
        '<label>Filter <input type="search" id="filter" placeholder="part of a key" '
        'autocomplete="off"></label> '
        f'<output id="shown" aria-live="polite">{count:,} of {count:,}</output>'
        f"<table><caption>{which}, of {found.total.entries:,}; a heading sorts them</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section></div>"
    )


def _row(fact: Fact, now: float) -> str:
    made, age, took = "", "", ""
    if fact.created is not None:
        age, when = ago(fact.created, now), moment(fact.created)
        made = "" if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"
    if fact.took is not None:
        took = span(fact.took)
    kind = ' class="error"' if fact.is_error else ""
    key = escape(fact.key.encode("utf-8", "backslashreplace").decode())
    return (
        f'<tr{kind}><th scope="row" data-value="{key}">{key}</th>'
        f'<td data-value="{now - (fact.created or now)}" title="{made}">{age}</td>'
        f'<td data-value="{fact.size}">{size(fact.size)}</td>'
        f'<td data-value="{fact.took or 0}">{took}</td></tr>'
    )


def _file(name: str) -> str:
    return files("outlive._page").joinpath(name).read_text(encoding="utf-8")
