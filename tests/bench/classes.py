"""A call whose arguments are instances of the user's classes, and what counts a function's entries."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from outlive import Cache, Memoised

from .report import Table, of_variants
from .timing import Variant, measure

#: The most that a hit with such an argument may take, in nanoseconds.
MOST = 800.0
#: Entries of other functions in the same cache.
OTHERS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Query:
    """An argument with fields."""

    text: str
    page: int = 1


class Client:
    """A client that says what tells it from others."""

    def __memo_key__(self) -> str:
        return "host"

    @Cache().memoise(name="ask")
    def ask(self, uri: str) -> str:
        """The slow method."""
        return uri


class ClientOfMain(Client):
    """The same, as if it stood in the program itself, whose module has another name tomorrow."""

    __module__ = "__main__"


def arguments(seconds: float) -> Table:
    """Hits that ask an argument for its key."""
    function = Cache().memoise(lambda query: query.text, name="search")
    variants = [
        Variant("a str", "f(k)", {"f": Cache().memoise(len, name="len")}),
        Variant("a frozen dataclass of two fields", "f(q)", {"f": function, "q": Query("tea")}),
        Variant("__memo_key__ of an instance", "o.ask(k)", {"o": Client()}),
        Variant("__memo_key__, a class of __main__", "o.ask(k)", {"o": ClientOfMain()}),
    ]
    return of_variants(
        "Hit, an argument of a class of one's own",
        measure(variants, ["/x"], seconds),
        limits={variant.name: MOST for variant in variants[1:]},
    )


def counts(seconds: float) -> Iterator[Table]:
    """What is asked of a function with ten entries, alone and among a million of others."""
    functions = {}
    with tempfile.TemporaryDirectory() as folder:
        for others in (0, OTHERS):
            path = Path(folder, f"{others}.json")
            path.write_text(json.dumps({f"other(x={x})": x for x in range(others)}))
            cache = Cache(path)
            function = cache.memoise(lambda x: x, name="few")
            for x in range(10):
                function(x)
            functions[f"among {others:,} of others"] = function
        yield _of_each(
            "cache_info() of a function with ten entries",
            functions,
            "f.cache_info()",
            seconds,
            most=20_000.0,
            note="the first one after a load looks at all keys once",
        )
        yield _of_each(
            "cache_clear() of a function with one entry, which is put before",
            functions,
            "f.put(1, 1); f.cache_clear()",
            seconds,
            most=200_000.0,
            note="both stand in the journal before they return",
        )


def _of_each(
    title: str,
    functions: dict[str, Memoised[[int], int]],
    statement: str,
    seconds: float,
    *,
    most: float,
    note: str,
) -> Table:
    """One statement for each function, with a limit where others have entries."""
    variants = [Variant(name, statement, {"f": each}) for name, each in functions.items()]
    limits = {variants[-1].name: most}
    return of_variants(title, measure(variants, [None], seconds), limits=limits, note=note)


def tables(seconds: float) -> Iterator[Table]:
    """All of them, ``seconds`` each."""
    yield arguments(seconds)
    yield from counts(seconds)
