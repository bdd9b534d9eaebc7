"""``report``: a page with pictures."""

from __future__ import annotations

import os
import time

import click

from .. import _servers
from .._page.html import page
from .._page.survey import survey
from .._stores import shown
from . import output
from .opening import FOUND, NOTHING, core_of, file_argument, opened


@click.command()
@file_argument()
@click.option("--html", "into", required=True, metavar="OUT.html", help='The page; "-" is stdout.')
@output.as_json_option
@click.pass_context
def report(ctx: click.Context, file: str, into: str, as_json: bool) -> None:
    """Write one HTML page: totals, charts by function, age, size and time, a table to search.

    The page needs nothing else and asks no network for anything.

    \b
    Example:
        outlive report github.json --html github.html
    """
    with opened(file) as cache:
        title = shown(file) if _servers.is_url(file) else os.path.basename(file)
        found = survey(core_of(cache), title, time.time())
    text = page(found)
    with click.open_file(into, "w", encoding="utf-8") as target:
        target.write(text)
    if as_json:
        output.emit({"file": into, "entries": found.total.entries, "size": len(text.encode())})
    elif into != "-":
        click.echo(f"wrote {into}", err=True)
    ctx.exit(FOUND if found.total.entries else NOTHING)
