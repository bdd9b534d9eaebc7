"""``show``: one result."""

from __future__ import annotations

import json
import shutil
from typing import Any

import click

from .. import _core
from .._facts import Fact, fact_of
from .._stores import shown
from . import output, selecting
from .opening import NOTHING, Trouble, core_of, file_argument, opened

#: So many keys are named where KEY means several.
_NAMED = 10


@click.command()
@file_argument()
@click.argument("key")
@click.option("--raw", is_flag=True, help="Print the value's JSON as it stands in the file.")
@output.as_json_option
@click.pass_context
def show(ctx: click.Context, file: str, key: str, raw: bool, as_json: bool) -> None:
    """Print one result as JSON, and when, how fast and by which code it was made.

    KEY may be a part of a key, if no other key has it. In a pipe the facts go to stderr.

    \b
    Example:
        outlive show github.json 'issues/17'
        outlive show github.json 'issues/17' --raw | jq .title
    """
    with opened(file) as cache:
        fact = found_one(core_of(cache), key)
        if fact is None:
            click.echo(
                f"outlive: no key of {shown(file)} is {key!r}, or has it as a part", err=True
            )
            ctx.exit(NOTHING)
        text = core_of(cache).facts.text(fact.key) or "null"
        if raw:
            click.echo(text)
        elif as_json:
            output.emit({**output.document_of(fact), "result": json.loads(text)})
        else:
            _print(fact, text)


def found_one(core: _core.Cache, key: str) -> Fact | None:
    """Return what is known of the entry that ``key`` denotes; None if there is none.

    Raises:
        Trouble: several keys contain it.
    """
    exact = fact_of(core, key)
    if exact is not None:
        return exact
    found, total = selecting.facts(core, pattern=key, limit=_NAMED)
    if total.entries > 1:
        more = f"\n  and {total.entries - _NAMED:,} more" if total.entries > _NAMED else ""
        keys = "".join(f"\n  {output.one_line(fact.key)}" for fact in found)
        raise Trouble(f"{total.entries:,} keys have {key!r}; give more of one of them:{keys}{more}")
    return found[0] if found else None


def _print(fact: Fact, text: str) -> None:
    facts = _facts(fact)
    if not output.is_terminal():
        click.echo(facts, err=True)
        click.echo(pretty(text))
        return
    from rich.syntax import Syntax
    from rich.text import Text

    console, shown = output.console(), pretty(text)
    body = Syntax(shown, "json", background_color="default", word_wrap=True)
    height = shutil.get_terminal_size().lines
    if shown.count("\n") + 3 < height:
        console.print(Text(facts, style="dim"), body, sep="\n")
        return
    with console.pager(styles=True):
        console.print(Text(facts, style="dim"), body, sep="\n")


def _facts(fact: Fact) -> str:
    kind = "exception, " if fact.is_error else ""
    return f"{output.one_line(fact.key)}\n{kind}{output.made(fact)}"


def pretty(text: str) -> str:
    """Return JSON text with one member a line; unchanged if Python's ``json`` cannot read it."""
    try:
        value: Any = json.loads(text)
        return json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):  # integers of 5,000 digits, 500 levels
        return text
