"""The command line on other stores than files: the same commands, the same answers."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from look_inside.terminal import Shell
from outlive import Cache, UnstorableWarning
from outlive._stores import shown
from support.files import results
from support.programs import free_port
from support.proxy import Proxy
from support.servers import Server

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


@pytest.mark.parametrize("order", [None, "key", "size", "created", "took"])
@pytest.mark.parametrize("waits", [False, True])
def test_lists_do_not_depend_on_the_store(tmp_path: Path, order: Any, waits: bool) -> None:
    """Any order, any number of rows, ties too; also with a result that the file cannot hold."""
    stores = [Cache(tmp_path / name, clock=lambda: 9.5) for name in ("x.json", "x.db")]
    for cache in stores:
        core = cache._state.core
        for number in range(3000):
            name = f"shop.f{number % 3}" if number % 5 else "plain"
            took = None if number % 7 == 0 else number % 11 / 8
            text = f'"{"x" * (number % 13)}"'
            core.entries.put_text(f"{name}(n={number})", text, created=number % 17 + 0.5, took=took)
        core.entries.put_text("no call", "1", created=None)
        if waits:
            alone: Any = cache.memoise(lambda: 0, name="alone")
            with pytest.warns(UnstorableWarning):
                alone.put(object())
    one, other = (cache._state.core.facts for cache in stores)
    for limit in (0, 1, 7, 2000, None):
        for descending in (False, True):
            for meant in ({}, {"function": "shop.f1"}, {"pattern": "*=1?1)"}, {"before": 9.0}):
                words = {"order": order, "descending": descending, "limit": limit, **meant}
                assert one.rows(**words) == other.rows(**words), words
    assert sorted(one.sums()) == sorted(other.sums())
    assert one.overview()[1] == other.overview()[1]
    assert sorted(one.overview()[0]) == sorted(other.overview()[0])
    assert one.sum_of("shop.f1(") == other.sum_of("shop.f1(")
    limits = {"sizes": [3.0, 9.0], "times": [5.0], "durations": [0.5]}
    assert one.histograms(**limits) == other.histograms(**limits)


def test_a_damaged_row_is_not_listed(shell: Shell, database: Path) -> None:
    """A damaged row is reported, and the rest is listed."""
    with closing(sqlite3.connect(database)) as raw, raw:
        raw.execute("UPDATE entry SET text = X'31' WHERE id = 2")
    listed = shell("ls", database, "--json")
    assert len(listed.json["entries"]) == 6
    assert "shop.db is damaged" in listed.err and "page=2" in listed.err


def test_lists_of_a_database_read_an_index(database: Path) -> None:
    """Sums, and lists by age, size and time, do not walk through the pages that hold texts."""
    with closing(sqlite3.connect(database)) as raw:
        for where in ("", " WHERE function = 1"):
            sql = f"EXPLAIN QUERY PLAN SELECT id, size, created, took, function FROM entry{where}"
            ((*_, plan),) = raw.execute(sql).fetchall()
            assert "COVERING INDEX entry_outline" in plan


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
    """The entries of an open program are shown, and it computes removed ones again."""
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


def test_a_server_says_what_the_file_says(shell: Shell, shop: Path, server: Server) -> None:
    """Copied to a server, entries are listed, shown, explained, removed and verified there."""
    url = server.at(1)
    assert shell("copy", shop, url).status == 0
    for words in (
        ["stats", "--json"],
        ["ls", "--sort", "key", "--json"],
        ["ls", "page=2", "--json"],
    ):
        one, other = (shell(words[0], place, *words[1:]).json for place in (shop, url))
        assert one == other, words
    assert shell("show", url, FETCHED.format(2), "--raw").status == 0
    assert shell("why", url, 'fetch("/x", 2)').out.startswith("hit: ")
    assert shell("verify", url).status == 0 and shell("diff", shop, url).status == 0
    assert shell("rm", url, "page=2").status == 0
    assert shell("ls", url, "page=2").status == 1


@pytest.fixture
def far(server: Server) -> Iterator[Proxy]:
    """A server with many entries, reached by a proxy that counts questions."""
    with Cache(server.url) as cache:
        for number in range(1_500):
            text = f'"{number}"'
            cache._state.core.entries.put_text(
                f"shop.f(n={number})", text, created=number + 0.5, took=0.1
            )
    with Proxy(server.host, server.port) as proxy:
        yield proxy


@pytest.mark.parametrize(
    "words",
    [("ls", "--json"), ("stats", "--json"), ("verify",), ("report", "--html", "-"), ("copy", "x.json")],
)  # fmt: skip
def test_a_server_is_asked_for_many_entries_at_once(
    shell: Shell, far: Proxy, words: tuple[str, ...]
) -> None:
    """Lists, sums and copies take a question for some hundred entries, not one for each."""
    name, *rest = words
    assert shell(name, far.url(), *rest).status == 0
    assert far.questions < 120
    if name == "copy":
        listed = shell("ls", "x.json", "--json").json
        assert listed["total"]["entries"] == len(listed["entries"]) == 1_500


def test_a_list_of_a_server_has_a_progress_bar(shell: Shell, far: Proxy) -> None:
    """On a terminal a bar shows how far it is, if it takes a while; the list is below it."""
    far.delay = 0.1
    shown = shell.shown("ls", far.url(), "-n", "3")
    assert re.search(r"127\.0\.0\.1:\d+/0 .*\[#+-*\] +\d+%", shown)
    assert shown.index("%") < shown.index("shop.f(n=0)") < shown.index("3 of 1,500 entries")
    piped = shell("ls", far.url(), "-n", "3")
    assert re.fullmatch(r"3 of 1,500 entries, .*\n", piped.err)


def test_no_password_is_shown(shell: Shell, shop: Path, server: Server) -> None:
    """Neither in the URL's user nor in its options, whatever a command prints, or a page."""
    client = server.client()
    client.acl_setuser("ada", enabled=True, passwords=["+geheim"], keys=["*"], commands=["+@all"])
    url = server.at(1).replace("://", "://ada:geheim@") + "&name=x"
    assert shell("copy", shop, url).status == 0
    line = shell("export", shop).lines[0]
    page, frozen = shop.parent / "shop.html", shop.parent / "frozen.json"
    for words, status in (
        (["copy", url, "again.json"], 0),
        (["copy", "again.json", url], 0),
        (["import", url, "-"], 0),
        (["merge", "again.json", url, "-o", "both.json"], 0),
        (["merge", "again.json", url, "--base", url, "-o", "rest.json"], 0),
        (["merge", "again.json", "both.json", "-o", url], 0),
        (["stats", url], 0),
        (["show", url, "no such key"], 1),
        (["report", url, "--html", page], 0),
        (["freeze", url], 2),
        (["freeze", url, "-o", frozen], 0),
        (["ls", url.replace("geheim", "geheim2")], 2),
        (["ls", url.replace("geheim", "geh/eim")], 2),
    ):
        printed = shell(*words, given=line)
        assert printed.status == status, (words, printed)
        assert "geh" not in printed.out + printed.err, words
        assert "Traceback" not in printed.err, words
    assert "geheim" not in page.read_text(encoding="utf-8")
    assert not list(shop.parent.glob("**/*geheim*"))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (
            "redis+sentinel://u:geheim@h1,h2:5/s/0?sentinel_password=geheim",
            "redis+sentinel://h1,h2:5/s/0",
        ),
        ("redis://:gehe?im@h/0", "redis://..."),
        ("redis://:gehe/im@h/0?db=1", "redis://h/0"),
        ("unix:///run/x.sock?name=a", "unix:///run/x.sock"),
        ("postgres://u:geheim@h/0", "postgres://h/0"),
        ("sqlite:///x.db?page_size=512", "sqlite:///x.db?page_size=512"),
        ("shop?.json", "shop?.json"),
    ],
)
def test_how_messages_name_a_cache(url: str, text: str) -> None:
    """A file by its path, what is elsewhere by what is no secret."""
    assert shown(url) == text


def test_the_url_of_no_store_is_told_without_its_password(shell: Shell) -> None:
    """Of a store that outlive does not know, too, and of a server that cannot be a fallback."""
    printed = shell("ls", "postgres://u:geheim@h/0")
    assert printed.status == 2 and "geheim" not in printed.err
    with pytest.raises(ValueError, match="must be another file") as caught:
        Cache(None, fallback="redis://:geheim@h/0")
    assert "geheim" not in str(caught.value)


def test_a_server_that_is_away(shell: Shell) -> None:
    """It is told in a line, without the password, and the status is that of trouble."""
    printed = shell("ls", f"redis://:geheim@127.0.0.1:{free_port()}/0?timeout=0.2")
    assert printed.status == 2 and printed.err.startswith("outlive: ")
    assert "geheim" not in printed.err and "Traceback" not in printed.err
