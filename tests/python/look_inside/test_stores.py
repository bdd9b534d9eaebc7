"""The command line on other stores than files: the same commands, the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from look_inside.terminal import Shell
from outlive import Cache
from support.files import results

FETCHED = 'shop.fetch(uri="/x", page={})'


@pytest.fixture
def database(shell: Shell, shop: Path) -> Path:
    """The shop in a SQLite database."""
    path = shop.parent / "shop.db"
    assert shell("copy", shop, path).err == f"copied 7 entries; {path} has 7\n"
    return path


def test_a_database_says_what_the_file_says(shell: Shell, shop: Path, database: Path) -> None:
    """``ls``, ``stats``, ``show``, ``why``, ``verify``, ``export`` and ``report`` give the same."""
    for words in (
        ["ls", "--json"],
        ["ls", "--sort", "size", "--function", "fetch", "--json"],
        ["ls", "page=2", "--json"],
        ["stats", "--json"],
    ):
        one, other = (shell(words[0], path, *words[1:]).json for path in (shop, database))
        assert one == other, words
    for words in (["show", FETCHED.format(2), "--json"], ["why", 'fetch("/x", 2)', "--json"]):
        one, other = (shell(words[0], path, *words[1:]).json for path in (shop, database))
        assert one == other, words
    assert shell("diff", shop, database).status == 0
    assert shell("verify", database).status == 0
    assert shell("export", database).out == shell("export", shop).out
    assert shell("report", database, "--html", "-").status == 0


def test_a_database_is_changed(shell: Shell, database: Path) -> None:
    """``rm`` and ``prune`` remove from it, and what is named as a database must be there."""
    assert shell("rm", database, "page=2").status == 0
    assert shell("prune", database, "--function", "price").status == 0
    entries = shell("ls", "sqlite:///shop.db", "--json").json["entries"]
    assert [entry["key"] for entry in entries] == [FETCHED.format(1), FETCHED.format(3)]
    missing = shell("ls", "sqlite:///none.db")
    assert (missing.status, missing.err) == (2, "outlive: no such file: sqlite:///none.db\n")


def test_back_into_a_file(shell: Shell, shop: Path, database: Path) -> None:
    """Copied there and back, entries have their times, their notes and their order."""
    back = shop.parent / "back.json"
    assert shell("copy", database, back).status == 0
    assert results(back) == results(shop)
    old, new = (json.loads(path.read_bytes()) for path in (shop, back))
    assert {k: v for k, v in old.items() if k != "outlive"} == {
        k: v for k, v in new.items() if k != "outlive"
    }


def test_a_database_in_use(shell: Shell, database: Path) -> None:
    """What an open program has kept is shown, and what is removed it computes anew."""
    runs = []
    cache = Cache(database)

    @cache.memoise(name="f")
    def f(x: int) -> int:
        runs.append(x)
        return x

    f(1), f(1)
    assert shell("show", database, "f(x=1)").out == "1\n"
    assert shell("rm", database, "f(x=1)").status == 0
    f(1)
    assert runs == [1, 1]
    cache.close()
