"""``rm`` and ``prune``: removing entries."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from .. import Cache
from .._facts import Fact
from .._spans import entries, size
from . import output, selecting
from .opening import FOUND, NOTHING, Trouble, core_of, file_argument, keep, opened
from .showing import found_one

#: More than a handful goes only after a question.
_HANDFUL = 5

_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would go.")


@click.command()
@file_argument()
@click.argument("key")
@_dry_run
@_yes
@output.as_json_option
@click.pass_context
def rm(ctx: click.Context, file: str, key: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove the entry of a KEY, or of a part of it that no other key has; or all of a pattern.

    With * or ? KEY is a pattern. Programs that use the file see it at their next call.

    \b
    Example:
        outlive rm github.json 'github.fetch(uri="/users/ada", page=1)'
        outlive rm github.json '*fetch(*page=3*' --dry-run
    """
    with opened(file, writable=not dry_run) as cache:
        if "*" in key or "?" in key:
            facts, _ = selecting.facts(core_of(cache), pattern=key)
        else:
            one = found_one(core_of(cache), key)
            facts = [] if one is None else [one]
        _remove(ctx, cache, file, facts, dry_run=dry_run, yes=yes, as_json=as_json)


@click.command()
@file_argument()
@selecting.older_than
@selecting.of_function
@click.option(
    "--max-bytes", callback=selecting.in_bytes, metavar="SIZE", help="The oldest beyond it go."
)
@click.option("--old-code", is_flag=True, help="Only what earlier code of its function made.")
@_dry_run
@_yes
@output.as_json_option
@click.pass_context
def prune(
    ctx: click.Context, /, file: str, dry_run: bool, yes: bool, as_json: bool, **meant: Any
) -> None:
    """Remove what is old: by age, function or code, or the oldest beyond a size.

    What several options say must all be true of what goes. Old code is any but that of the newest
    result of the function.

    \b
    Example:
        outlive prune github.json --older-than 30d --function fetch
        outlive prune github.json --max-bytes 100MB --yes
    """
    if not any(value for value in meant.values()):
        raise Trouble("say what is to go: --older-than, --function, --max-bytes or --old-code")
    with opened(file, writable=not dry_run) as cache:
        facts: Iterable[Fact]
        facts, total = selecting.facts(
            core_of(cache), function=meant["function"], age=meant["older_than"], order="created"
        )
        if meant["old_code"]:
            facts = _of_old_code(cache, facts)
        if meant["max_bytes"] is not None:
            facts = _beyond(facts, total.size - meant["max_bytes"])
        _remove(ctx, cache, file, list(facts), dry_run=dry_run, yes=yes, as_json=as_json)


def _function_of(fact: Fact) -> str:
    return fact.key.partition("(")[0]


def _of_old_code(cache: Cache, facts: Iterable[Fact]) -> list[Fact]:
    """The entries whose code is not that of the newest result of their function.

    The first character of a digest is the minor version of Python: two versions are never compared.
    """
    everything, _ = selecting.facts(core_of(cache), order="created")
    newest = {
        (_function_of(fact), fact.code[0]): fact.code
        for fact in everything
        if fact.code is not None
    }
    return [
        fact
        for fact in facts
        if fact.code is not None and newest[_function_of(fact), fact.code[0]] != fact.code
    ]


def _beyond(facts: Iterable[Fact], surplus: int) -> Iterator[Fact]:
    """The first entries that together take ``surplus`` bytes."""
    for fact in facts:
        if surplus <= 0:
            return
        surplus -= fact.size
        yield fact


def _remove(
    ctx: click.Context,
    cache: Cache,
    file: str,
    facts: list[Fact],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    count, length = len(facts), sum(fact.size for fact in facts)
    what = f"{entries(count)}, {size(length)}"
    if not dry_run and not yes and count > _HANDFUL:
        _ask(what)
    gone = 0 if dry_run else sum(core_of(cache).entries.remove(fact.key) for fact in facts)
    if gone:
        keep(cache, file)
    if as_json:
        keys = [fact.key for fact in facts]
        output.emit({"removed": gone, "size": length, "dry_run": dry_run, "keys": keys})
    else:
        for fact in facts if dry_run or count <= _HANDFUL else ():
            click.echo(output.one_line(fact.key))
        click.echo(f"{'would remove' if dry_run else 'removed'} {what}", err=True)
    ctx.exit(FOUND if facts else NOTHING)


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise Trouble(f"this would remove {what}: say --yes, or look with --dry-run")
    click.confirm(f"remove {what}?", abort=True, err=True)
