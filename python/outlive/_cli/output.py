"""How commands print: tables for people, lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .._facts import Fact, Sum
from .._provenance import of_fact
from .._spans import ago, moment

if TYPE_CHECKING:
    from rich.console import Console

as_json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document."
)


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def console() -> Console:
    """Return the console for tables and colours; in pipes it has no colours and cuts no lines."""
    from rich.console import Console  # it takes longer to import than most commands take

    if is_terminal():
        return Console(highlight=False)
    return Console(highlight=False, no_color=True, width=10_000, soft_wrap=True)


def emit(document: Any) -> None:
    """Print a JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2 if is_terminal() else None))


def one_line(key: str) -> str:
    """Return a key without line breaks and other control characters."""
    if key.isprintable():
        return key
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in key)


def iso(time: float | None) -> str | None:
    """Return a time as ISO 8601 in UTC; None if it is not known."""
    found = moment(time)
    return None if found is None else f"{found:%Y-%m-%dT%H:%M:%S}Z"


def made(fact: Fact) -> str:
    """Return when and how an entry was made, and how long ago that is."""
    age = "" if fact.created is None else f" ({ago(fact.created, time.time())})"
    return f"{of_fact(fact, '')}{age}"


def document_of(fact: Fact) -> dict[str, Any]:
    """Return what is known of an entry, for JSON."""
    notes = {name: value for name, value in fact.notes.items() if name not in Fact._fields}
    return {
        "key": fact.key,
        "size": fact.size,
        "created": iso(fact.created),
        "took": fact.took,
        "code": fact.code,
        "error": fact.is_error,
        **({"notes": notes} if notes else {}),
    }


def document_of_sum(found: Sum) -> dict[str, Any]:
    """Return what is known of several entries together, for JSON."""
    return {
        "entries": found.entries,
        "size": found.size,
        "took": found.took if found.timed else None,
        "oldest": iso(found.oldest),
        "newest": iso(found.newest),
    }
