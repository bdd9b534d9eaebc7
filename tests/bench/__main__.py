"""``make bench``: measures, prints the tables, and keeps the figures for the chart."""

from __future__ import annotations

import argparse
import itertools
import warnings
from pathlib import Path

from . import (
    classes,
    files,
    hits,
    look,
    maps,
    misses,
    purges,
    report,
    results,
    servers,
    stores,
    threads,
)


def main() -> None:
    """Run all of it: about two minutes, or ten with ``--long``."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="more rounds, a million entries, 1 GB")
    parser.add_argument(
        "--only",
        choices=[
            *("threads", "hits", "classes", "results", "misses", "maps", "files", "purges"),
            *("stores", "servers", "look"),
        ],
        help="one part alone",
    )
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    given = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    print(report.header())
    tables = []
    for table in itertools.chain.from_iterable(_parts(given.long, given.only)):
        report.show(table)
        tables.append(table)
    print(f"\n{report.summary(tables)}")
    if given.json:
        report.write(given.json, tables)


def _parts(long: bool, only: str | None) -> list[itertools.chain[report.Table]]:
    parts = {
        # The first: some of the others' peers put the GIL back.
        "threads": threads.tables(5.0 if long else 2.0),
        "hits": hits.tables(6.0 if long else 1.5),
        "classes": classes.tables(3.0 if long else 1.0),
        "results": results.tables(3.0 if long else 1.0),
        "misses": misses.tables(
            10.0 if long else 2.0, (1_000, 100_000, 1_000_000) if long else (1_000, 100_000)
        ),
        "maps": maps.tables(20_000 if long else 5_000, 10 if long else 5),
        "purges": purges.tables(10_000 if long else 1_000),
        "stores": stores.tables(
            10.0 if long else 3.0, 2_000 if long else 200, 5_000 if long else 200
        ),
        "servers": servers.tables(20.0 if long else 6.0, 10_000 if long else 1_000),
        "look": look.tables(1_000_000 if long else 200_000),
        "files": files.tables((10, 100, 1000) if long else (10, 100), 5 if long else 3),
    }
    return [itertools.chain(tables) for name, tables in parts.items() if only in (None, name)]


if __name__ == "__main__":
    main()
