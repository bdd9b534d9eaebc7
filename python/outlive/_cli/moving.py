"""``copy``, ``export``, ``import``, ``freeze``: entries go elsewhere."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import IO, Any

import click

from .. import _core, _frozen, _servers
from .._facts import Fact
from .._spans import entries
from .._stores import shown
from . import output
from .comparing import facts_of, newer
from .opening import FOUND, NOTHING, Trouble, carry_salt, core_of, file_argument, keep, opened

_AT_ONCE = 500
_TEXT_IN = click.File("r", encoding="utf-8", errors="surrogatepass")
_TEXT_OUT = click.File("w", encoding="utf-8", errors="surrogatepass")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@output.as_json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy entries from one cache into another, with their times; newer ones there stay.

    FROM and TO are anything that Cache(...) takes. Cut off, it goes on where it was when it is run
    again.

    \b
    Example:
        outlive copy github.json backup.json
    """
    with opened(source) as old, opened(target, writable=True, new=True) as new:
        carry_salt(core_of(old), core_of(new))
        keys = newer(facts_of(core_of(old)), facts_of(core_of(new)))
        for some in _with_progress(keys, f"{shown(source)} -> {shown(target)}"):
            _core.copy_keys(core_of(new), core_of(old), some)
        keep(new, target)
        count = len(new)
    if as_json:
        output.emit({"copied": len(keys), "entries": count})
    else:
        click.echo(f"copied {entries(len(keys))}; {shown(target)} has {count:,}", err=True)


def _with_progress(keys: list[str], title: str) -> Iterator[list[str]]:
    """A few keys at a time, with a progress bar on a terminal."""
    parts = [keys[at : at + _AT_ONCE] for at in range(0, len(keys), _AT_ONCE)]
    if not sys.stderr.isatty():
        yield from parts
        return
    with click.progressbar(length=len(keys), label=title, file=sys.stderr) as bar:
        for part in parts:
            yield part
            bar.update(len(part))


@click.command()
@file_argument()
@click.option(
    "--format", "kind", type=click.Choice(["json", "jsonl"]), default="jsonl", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", "into", type=_TEXT_OUT, default="-")
@click.pass_context
def export(ctx: click.Context, file: str, kind: str, as_json: bool, into: IO[str]) -> None:
    """Write all entries: jsonl has a line for each with all that is known of it, json only values.

    \b
    Example:
        outlive export github.json | jq -c 'select(.took > 1) | .key'
    """
    a_line_each = kind == "jsonl" and not as_json
    with opened(file) as cache:
        core = core_of(cache)
        facts = facts_of(core).values()
        lines = (
            _line(fact, core.facts.text(fact.key) or "null")
            if a_line_each
            else f"{json.dumps(fact.key)}: {core.facts.text(fact.key)}"
            for fact in facts
        )
        if a_line_each:
            into.writelines(f"{line}\n" for line in lines)
        else:
            into.write("{\n" + ",\n".join(lines) + "\n}\n")
    ctx.exit(FOUND if facts else NOTHING)


def _line(fact: Fact, text: str) -> str:
    known = {name: value for name, value in fact.notes.items() if name not in _OWN}
    known |= {"at": fact.created, "took": fact.took, "code": fact.code}
    given = {name: value for name, value in known.items() if value is not None}
    members = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in given.items())
    return f'{{"key": {json.dumps(fact.key)}, "result": {text}{", " if members else ""}{members}}}'


#: The members of a line that are no notes.
_OWN = ("key", "result", "at", "took", "code")


@click.command("import")
@file_argument()
@click.argument("source", type=_TEXT_IN, metavar="EXPORTED")
@output.as_json_option
@click.pass_context
def import_(ctx: click.Context, file: str, source: IO[str], as_json: bool) -> None:
    """Read what export wrote, in either format, into a cache; "-" is stdin.

    What FILE has under the same keys is replaced.

    \b
    Example:
        outlive export github.json | outlive import copy.json -
    """
    count = 0
    with opened(file, writable=True, new=True) as cache:
        try:
            for line in _lines(source):
                _put(core_of(cache), line)
                count += 1
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            verb = "is" if count == 1 else "are"
            done = f"; {entries(count)} before it {verb} imported" if count else ""
            wrong = f"entry {count + 1} is none that export writes: {error}{done}"
            raise Trouble(wrong) from error
        keep(cache, file)
    if as_json:
        output.emit({"imported": count})
    else:
        click.echo(f"imported {entries(count)} into {shown(file)}", err=True)
    ctx.exit(FOUND if count else NOTHING)


def _lines(source: IO[str]) -> Iterator[dict[str, Any]]:
    first = source.readline()
    if first.strip() in ("{", "{}"):
        for key, value in json.loads(first + source.read()).items():
            yield {"key": key, "result": value}
        return
    for line in [first, *source] if first else []:
        if line.strip():
            yield json.loads(line)


def _put(core: _core.Cache, line: dict[str, Any]) -> None:
    notes = {name: value for name, value in line.items() if name not in _OWN}
    at = line.get("at")
    core.entries.put_text(
        line["key"],
        json.dumps(line["result"]),
        created=time.time() if at is None else float(at),
        took=line.get("took"),
        code=line.get("code"),
        others=json.dumps(notes).encode() if notes else None,
    )


@click.command()
@file_argument()
@click.option("-o", "--output", "into", metavar="FROZEN", help="Default: FILE.frozen.json.")
@output.as_json_option
def freeze(file: str, into: str | None, as_json: bool) -> None:
    """Write a canonical file, and its digest beside it: for a paper, or for tests.

    The same results make the same file, whenever and in whatever order they were computed.
    Cache("FROZEN", mode="frozen") serves it, computes nothing, writes nothing, and fails if it is
    not what the digest says.

    \b
    Example:
        outlive freeze github.json -o paper.json && sha256sum -c paper.json.sha256
    """
    if into is None and _servers.is_url(file):
        raise Trouble("say where to with -o FROZEN: a server has no folder to put it in")
    target = into or f"{file.removesuffix('.json')}.frozen.json"
    if os.path.exists(target):
        raise Trouble(f"{target} is there already")
    with opened(file) as cache:
        digest, count = _frozen.write(core_of(cache), target)
    if as_json:
        output.emit({"file": target, "entries": count, "sha256": digest})
    else:
        click.echo(f"{digest}  {target}")
