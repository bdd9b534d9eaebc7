"""The commands, in the order in which ``outlive --help`` lists them."""

from __future__ import annotations

import sys

import click

from .. import __version__
from . import checking, comparing, explaining, listing, moving, removing, reporting, showing

_NAMES = ("-h", "--help")


class _InOrder(click.Group):
    """A group whose commands are listed as they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": _NAMES})
@click.version_option(__version__, prog_name="outlive", message="%(prog)s %(version)s")
def app() -> None:
    """Look into the caches of outlive: what they hold, what it cost, why a call was a miss.

    FILE is a cache's file. It may be in use: what running programs have added is shown. Nothing is
    changed but by rm, prune, repair, merge, import and copy.

    Exit status: 0 if something was found, 1 if nothing was, 2 on trouble.

    \b
    Shell completion (bash; or zsh_source, fish_source):
        eval "$(_OUTLIVE_COMPLETE=bash_source outlive)"
    """
    # Keys may hold lone surrogates, which no terminal accepts; they are spelled as in JSON.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


for _command in (
    *(listing.ls, showing.show, listing.stats, reporting.report, explaining.why),
    *(removing.rm, removing.prune, checking.verify, checking.repair),
    *(comparing.diff, comparing.merge, moving.copy, moving.export, moving.import_, moving.freeze),
    explaining.path,
):
    app.add_command(_command)
