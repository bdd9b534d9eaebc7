"""``verify`` and ``repair``: whether a file is whole."""

from __future__ import annotations

import click

from .._spans import entries
from . import output
from .opening import FOUND, NOTHING, core_of, file_argument, keep, opened


@click.command()
@file_argument()
@output.as_json_option
@click.pass_context
def verify(ctx: click.Context, file: str, as_json: bool) -> None:
    """Look at the file, its journals and each entry; exit status 1 and a list if any is bad.

    Nothing is changed.

    \b
    Example:
        outlive verify github.json || outlive repair github.json
    """
    problems: list[str] = []
    with opened(file, tell=problems.append) as cache:
        bad, count = core_of(cache).facts.bad(), core_of(cache).facts.rows(limit=0)[1][0]
    is_whole = not problems and not bad
    if as_json:
        listed = [{"key": key, "why": why} for key, why in bad]
        output.emit({"whole": is_whole, "entries": count, "problems": problems, "bad": listed})
    else:
        for problem in problems:
            click.echo(problem)
        for key, why in bad:
            click.echo(f"{output.one_line(key)}: {why}")
        word = "all is well" if is_whole else f"{len(problems) + len(bad):,} bad"
        click.echo(f"{entries(count)}: {word}", err=True)
    ctx.exit(FOUND if is_whole else NOTHING)


@click.command()
@file_argument()
@output.as_json_option
def repair(file: str, as_json: bool) -> None:
    """Keep what is good, set what is damaged aside under another name, and say so.

    Nothing is thrown away: the damaged file is copied to FILE.damaged-... first. A program that
    opens a damaged file does the same.

    \b
    Example:
        outlive repair github.json
    """
    problems: list[str] = []
    with opened(file, writable=True, tell=problems.append) as cache:
        core = core_of(cache)
        bad = core.facts.bad()
        count = len(core.entries.keys())  # listing them sets aside what is bad
        keep(cache, file)
        core.close()
    if as_json:
        output.emit({"entries": count, "problems": problems, "dropped": [key for key, _ in bad]})
        return
    for problem in problems:
        click.echo(problem)
    for key, why in bad:
        click.echo(f"dropped {output.one_line(key)}: {why}")
    click.echo(f"{entries(count)}: good", err=True)
