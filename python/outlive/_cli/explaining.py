"""``why`` and ``path``: whether a call would be a hit, and where the file is."""

from __future__ import annotations

import os

import click

from .. import _home
from . import calls, output
from .opening import FOUND, NOTHING, Trouble, core_of, file_argument, opened


@click.command()
@file_argument()
@click.argument("call")
@output.as_json_option
@click.pass_context
def why(ctx: click.Context, file: str, call: str, as_json: bool) -> None:
    """Say whether a call is kept, and if not, in what the nearest kept call differs.

    CALL is written as in Python, with plain values as arguments; the last part of the function's
    name is enough. No code of yours is imported: the names of parameters are those in kept keys,
    and an argument that is not given may be anything.

    \b
    Example:
        outlive why github.json 'fetch("/users/ada", page=3)'
    """
    with opened(file) as cache:
        try:
            found = calls.look_up(core_of(cache), call)
        except ValueError as error:
            raise Trouble(str(error)) from error
    if as_json:
        output.emit(found.document())
    else:
        click.echo(str(found))
    ctx.exit(FOUND if found.kept else NOTHING)


@click.command()
@click.option("--app", "application", metavar="NAME", help="The file of Cache(app=NAME).")
@output.as_json_option
@click.pass_context
def path(ctx: click.Context, application: str | None, as_json: bool) -> None:
    """Print where the file is: of the drop-in here, or of an application.

    The exit status is 1 if there is no such file yet.

    \b
    Example:
        outlive ls "$(outlive path --app shop)"
    """
    if application is not None:
        found = _home.cache_file_of(application)
    else:
        found = os.path.abspath(os.environ.get("OUTLIVE_FILE") or "cache_file.json")
    if found is None:
        raise Trouble("there is no home folder")
    is_there = os.path.exists(found)
    if as_json:
        output.emit({"path": found, "exists": is_there})
    else:
        click.echo(found)
    ctx.exit(FOUND if is_there else NOTHING)
