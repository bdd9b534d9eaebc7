"""``diff`` and ``merge``: two caches, and what one has that the other has not."""

from __future__ import annotations

import os
from typing import NamedTuple

import click

from .. import _core
from .._facts import Fact
from .._spans import entries
from .._stores import shown
from . import output
from .opening import FOUND, NOTHING, Trouble, carry_salt, core_of, file_argument, keep, opened

#: What is known of entries, by key.
Facts = dict[str, Fact]


class Difference(NamedTuple):
    """The keys that only one of two caches has, or that have different values."""

    removed: list[str]
    added: list[str]
    changed: list[str]


@click.command()
@file_argument("a")
@file_argument("b")
@output.as_json_option
@click.pass_context
def diff(ctx: click.Context, a: str, b: str, as_json: bool) -> None:
    """Say which keys are only in A (-), only in B (+), or have another value in B (~).

    Exit status as diff: 0 if nothing differs, 1 if something does.

    \b
    Example:
        outlive diff before.json after.json
    """
    with opened(a) as one, opened(b) as other:
        found = difference(core_of(one), core_of(other))
    if as_json:
        output.emit(found._asdict())
    else:
        for sign, keys in zip("-+~", found, strict=True):
            for key in keys:
                click.echo(f"{sign} {output.one_line(key)}")
    ctx.exit(NOTHING if any(found) else FOUND)


def difference(a: _core.Cache, b: _core.Cache) -> Difference:
    """Compare two caches by keys and the texts of values."""
    ours, theirs = facts_of(a), facts_of(b)
    common = (key for key in ours if key in theirs)

    def differs(key: str) -> bool:
        return ours[key].size != theirs[key].size or a.facts.text(key) != b.facts.text(key)

    return Difference(
        [key for key in ours if key not in theirs],
        [key for key in theirs if key not in ours],
        [key for key in common if differs(key)],
    )


def facts_of(core: _core.Cache) -> Facts:
    """Return what is known of all entries that a file can hold, by key."""
    facts = (Fact(*row) for row in core.facts.rows()[0])
    return {fact.key: fact for fact in facts if fact.is_storable}


@click.command()
@file_argument("a")
@file_argument("b")
@click.option("-o", "--output", "into", required=True, metavar="C", help="A, B or a new file.")
@click.option("--base", metavar="O", help="What both come from: what one side removed is removed.")
@output.as_json_option
def merge(a: str, b: str, into: str, base: str | None, as_json: bool) -> None:
    """Merge two caches: of what both have, the newest result wins.

    With --base, what one side removed since and the other left alone is removed.

    \b
    Example:
        outlive merge mine.json theirs.json -o both.json
    As git's merge driver, with "*.cache.json merge=outlive" in .gitattributes:
        git config merge.outlive.driver "outlive merge --base %O %A %B -o %A"
    """
    first, second = (b, a) if _is_same(into, b) else (a, b)
    if not _is_same(into, first) and os.path.exists(into):
        raise Trouble(f"{into} is there already: give -o {a}, -o {b} or a new file")
    with opened(into, writable=True, new=True) as target, opened(second) as other:
        if not _is_same(into, first):
            with opened(first) as source:
                carry_salt(core_of(source), core_of(target))
                _core.copy_keys(core_of(target), core_of(source), list(facts_of(core_of(source))))
        carry_salt(core_of(other), core_of(target))
        mine, theirs = facts_of(core_of(target)), facts_of(core_of(other))
        taken, gone = newer(theirs, mine), list[str]()
        if base is not None and not _is_empty(base):
            with opened(base) as before:
                gone, taken = _removals(facts_of(core_of(before)), mine, theirs, taken)
        _core.copy_keys(core_of(target), core_of(other), taken)
        for key in gone:
            core_of(target).entries.remove(key)
        keep(target, into)
        count = len(target)
    if as_json:
        output.emit({"entries": count, "taken": len(taken), "removed": len(gone)})
    else:
        click.echo(
            f"{shown(into)}: {entries(count)}, {len(taken):,} from {shown(second)}", err=True
        )


def newer(source: Facts, target: Facts) -> list[str]:
    """Return the keys that ``source`` has and ``target`` lacks, or has from an earlier time."""
    return [
        key
        for key, fact in source.items()
        if key not in target or (fact.created or 0.0) > (target[key].created or 0.0)
    ]


def _removals(
    before: Facts, mine: Facts, theirs: Facts, taken: list[str]
) -> tuple[list[str], list[str]]:
    """The keys to remove because one side removed them, and the keys of ``taken`` that stay."""

    def is_as_before(fact: Fact) -> bool:
        return fact.key in before and fact.created == before[fact.key].created

    by_them = [key for key, fact in mine.items() if key not in theirs and is_as_before(fact)]
    by_us = {key for key, fact in theirs.items() if key not in mine and is_as_before(fact)}
    return by_them, [key for key in taken if key not in by_us]


def _is_empty(file: str) -> bool:
    """Whether it is a file of no bytes, as git gives one where there was none before."""
    return os.path.isfile(file) and not os.path.getsize(file)


def _is_same(one: str, other: str) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)
