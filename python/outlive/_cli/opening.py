"""Opening a cache for a command, and reporting what is wrong with it."""

from __future__ import annotations

import glob
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .. import Cache, OutliveWarning, StoreError, _core, _servers, _stores
from .._stores import shown
from .watching import watched

if TYPE_CHECKING:
    from .._option_types import Mode

#: The exit status of grep: found, not found, trouble.
FOUND, NOTHING, TROUBLE = 0, 1, 2


class Trouble(click.ClickException):
    """An error that keeps a command from doing its work; one line states it."""

    exit_code = TROUBLE

    def show(self, file: Any = None) -> None:
        """Print the line on stderr."""
        click.echo(f"outlive: {self.format_message()}", file=file or sys.stderr)


def file_argument(name: str = "file") -> Callable[[Any], Any]:
    """Return the argument that names a cache's file."""
    return click.argument(name, type=click.Path(path_type=str), metavar=name.upper())


def exists(file: str) -> bool:
    """Return whether there is a cache: a file, or the journal of a program that was killed early.

    Raises:
        Trouble: it is a URL of no store that outlive knows.
    """
    if _servers.is_url(file):
        return True  # what is on a server is there, if there is nothing
    try:
        path = str(_stores.parsed(file)[0])
    except ValueError as error:
        raise Trouble(str(error)) from error
    return os.path.isfile(path) or bool(journals(path))


def journals(file: str) -> list[str]:
    """Return the journals beside a file."""
    return glob.glob(f"{glob.escape(file)}.journal-*")


@contextmanager
def opened(
    file: str,
    *,
    writable: bool = False,
    new: bool = False,
    tell: Callable[[str], object] | None = None,
) -> Iterator[Cache]:
    """Open a cache, which is closed in the end.

    Args:
        file: Its file.
        writable: Whether it may be changed.
        new: Whether the file may be missing.
        tell: A callable for each sentence on what is wrong; None: they go to stderr.

    Raises:
        Trouble: there is no such cache (unless it may be new), or it is a folder.
        click.exceptions.Exit: it cannot be read, or not be written; a line on stderr said so.
    """
    if os.path.isdir(file):
        raise Trouble(f"{file} is a folder")
    if not new and not exists(file):
        raise Trouble(f"no such file: {file}")
    with warnings.catch_warnings():
        warnings.simplefilter("always", OutliveWarning)
        show, told = tell or on_stderr, list[str]()

        def showwarning(message: Warning | str, *_: object, **__: object) -> None:
            told.append(str(message))
            show(told[-1])

        warnings.showwarning = showwarning
        try:
            cache = _cache(file, "on" if writable else "readonly")
            core_of(cache).load()
        except (OSError, ValueError, TypeError) as error:
            raise Trouble(str(error)) from error
        try:
            trouble = None if tell else core_of(cache).trouble()
            if trouble and not told:
                raise Trouble(f"{shown(file)}: {trouble}")
            if trouble:
                raise click.exceptions.Exit(TROUBLE)
            with watched(core_of(cache), shown(file)):
                yield cache
        except StoreError as error:  # a server that went away meanwhile
            raise Trouble(str(error)) from error
        finally:
            cache.close()


def keep(cache: Cache, file: str) -> None:
    """Write what a command changed, before it says that it did.

    Raises:
        Trouble: not all of it could be written.
    """
    core = core_of(cache)
    if not core.save():
        raise Trouble(f"{shown(file)}: not written: {core.trouble() or 'see above'}")


def _cache(file: str, mode: Mode) -> Cache:
    if not _servers.is_url(file):
        return Cache(file, mode=mode)
    cache = Cache(file, mode=mode, on_store_error="raise")
    cache.get("")  # a list of a server that is away would be empty: this raises
    return cache


def core_of(cache: Cache) -> _core.Cache:
    """Return the native half of a cache."""
    return cache._state.core


def on_stderr(message: str) -> None:
    """Print a message to stderr."""
    click.echo(f"outlive: {message}", err=True)


def carry_salt(source: _core.Cache, target: _core.Cache) -> None:
    """Give ``target`` the salt of ``source``, so that digests match; warn if it has another."""
    salt = source.salt.get()
    if salt is None:
        return
    if target.salt.offer(salt) != salt:
        click.echo(
            "outlive: the two files digest secrets and closures differently, so results whose keys "
            "hold such digests will be computed anew",
            err=True,
        )
