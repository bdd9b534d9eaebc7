"""The commands, in the order in which ``outlive --help`` lists them."""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

from .. import __version__
from . import checking, comparing, explaining, listing, moving, removing, reporting, showing
from .opening import Trouble

_NAMES = ("-h", "--help")


class _Commands(click.Group):
    """Commands that are listed as they were added, and say in one line what the system refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Raises:
            Trouble: a file cannot be read or written.
        """
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends the program, as whoever reads has what it wants
            why = error.strerror or str(error)
            raise Trouble(f"{error.filename}: {why}" if error.filename else why) from error
        except click.FileError as error:
            raise Trouble(f"{error.ui_filename}: {error.message}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": _NAMES})
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
