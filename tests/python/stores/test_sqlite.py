"""Special to databases: how they are named, opened, bounded in memory, and left."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning
from support.programs import Scripts

MAGIC = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    """Whether a file begins as a database does."""
    return path.read_bytes().startswith(MAGIC)


@pytest.mark.parametrize("name", ["x.db", "x.sqlite", "x.SQLITE3"])
def test_a_new_file_is_what_its_extension_says(tmp_path: Path, name: str) -> None:
    """A new file becomes a database if its extension says so."""
    with Cache(tmp_path / name) as cache:
        cache["a"] = 1
    assert is_database(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_file_is_what_its_first_bytes_say(tmp_path: Path) -> None:
    """The contents of a file decide, not its name."""
    for made, named in [("x.json", "x.db"), ("y.db", "y.cache"), ("z.json", "z")]:
        with Cache(tmp_path / made) as cache:
            cache["a"] = 1
        (tmp_path / made).rename(tmp_path / named)
        with Cache(tmp_path / named) as cache:
            assert cache["a"] == 1
            cache["b"] = 2
        assert is_database(tmp_path / named) == (made == "y.db")


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL names a database whatever its extension."""
    monkeypatch.chdir(tmp_path)
    with Cache("sqlite:///my%20cache") as here, Cache(f"sqlite:///{tmp_path}/my cache") as same:
        here["a"] = 1
        assert same["a"] == 1
        assert here.path == str(tmp_path / "my cache")
    assert is_database(tmp_path / "my cache")
    with Cache("sqlite:///y.db?page_size=4096") as cache:
        cache["a"] = 1
    assert int.from_bytes((tmp_path / "y.db").read_bytes()[16:18], "big") == 4096


@pytest.mark.parametrize(
    "url",
    ["sqlite://x.db", "sqlite:///", "mysql://host/x", "sqlite:///x.db?mode=ro",
     "sqlite:///x.db?page_size=1000", "sqlite:///x.db?page_size="],
)  # fmt: skip
def test_urls_that_mean_nothing(url: str) -> None:
    """What a URL asks for and outlive does not know is refused, and the message says what is known."""
    with pytest.raises(ValueError, match=r"sqlite:///|page_size|names no file|page size"):
        Cache(url)


def test_near_is_checked(tmp_path: Path) -> None:
    """``near=`` takes a number of bytes, the same for all objects on a file."""
    for wrong, error in [(-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)]:
        with pytest.raises(error, match="near="):
            Cache(tmp_path / "x.db", near=untyped(wrong))
    with Cache(tmp_path / "x.db", near=1000), Cache(tmp_path / "x.db") as same:
        with pytest.raises(ValueError, match="near=1000"):
            Cache(tmp_path / "x.db", near=2000)
        same["a"] = 1


def untyped(thing: object) -> Any:
    """Return ``thing`` as type checkers know nothing of."""
    return thing


def memory_of(work: Callable[[], object]) -> int:
    """How many bytes of Python's memory are taken by what ``work`` leaves behind."""
    tracemalloc.start()
    work()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Decoded results are dropped when there is no room, and come back from the database."""
    cache, calls = Cache(tmp_path / "x.db", near=100_000), []

    @cache.memoise
    def page(n: int) -> str:
        calls.append(n)
        return f"{n:08}" * 600

    peak = memory_of(lambda: [page(n) for n in range(1000)])
    assert peak < 1_500_000  # of 5 MB or so, if all were kept
    rounds = [[page(n) for n in range(1000)] for _ in range(3)]
    assert rounds[0] == rounds[1] == rounds[2]
    assert len(calls) == 1000
    assert len(cache) == page.cache_info().currsize == 1000
    cache.close()


def test_a_large_database_is_not_read_whole(script: Any, tmp_path: Path) -> None:
    """A program that uses one result of many needs no more memory for it."""
    with Cache(tmp_path / "x.db", near=0) as cache:
        for n in range(300):
            cache[str(n)] = "x" * 500_000
    grown = script.output("""
        import resource
        from outlive import Cache
        cache = Cache("x.db")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert len(cache) == 300 and len(cache["7"]) == 500_000
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(grown) * unit < 50_000_000


def test_another_programs_database(tmp_path: Path) -> None:
    """Another program's database is not touched; results stay in the process, with a warning."""
    path = tmp_path / "x.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine(a)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.warns(CacheFileWarning, match="another program's database"):
        cache = Cache(path)
        cache["a"] = 1
        assert cache["a"] == 1
        cache.close()
    assert path.read_bytes() == before


def test_a_later_version(tmp_path: Path) -> None:
    """A database of a later version is left alone, with a warning."""
    path = tmp_path / "x.db"
    with Cache(path) as cache:
        cache["a"] = 1
    del cache
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.warns(CacheFileWarning, match="later version"):
        cache = Cache(path)
        assert "a" not in cache
        cache["b"] = 2
        cache.close()
    other = sqlite3.connect(path)
    assert other.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    other.close()


def test_a_text_file_is_not_taken_over(tmp_path: Path) -> None:
    """A URL that names no database does the file no harm."""
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 100)
    with pytest.warns(CacheFileWarning, match="notes.txt"):
        cache = Cache(f"sqlite:///{path}")
        cache["a"] = 1
        assert cache["a"] == 1
        cache.close()
    assert path.read_text() == "my notes\n" * 100


def test_text_under_the_name_of_a_database(tmp_path: Path) -> None:
    """Notes that end in .db are somebody else's: calls compute, and the file stays as it is."""
    path = tmp_path / "notes.db"
    path.write_text("my notes\n" * 100)
    with Cache(path) as cache:
        calls: list[int] = []

        @cache.memoise
        def note(x: int) -> int:
            calls.append(x)
            return x

        with pytest.warns(CacheFileWarning, match="somebody else's: it holds no JSON"):
            assert [note(1), note(1)] == [1, 1]
        assert calls == [1]
    assert path.read_text() == "my notes\n" * 100
    assert [it.name for it in tmp_path.iterdir()] == ["notes.db"]


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A folder under the name of a database is left alone, and called what it is."""
    (tmp_path / "x.db").mkdir()
    told = pytest.warns(CacheFileWarning, match="x.db: it is no regular file")
    with told, Cache(tmp_path / "x.db") as cache:
        cache["a"] = 1
        assert cache["a"] == 1
    assert not any((tmp_path / "x.db").iterdir())


def test_a_damaged_header(tmp_path: Path) -> None:
    """A database whose first bytes are damaged is set aside as a database."""
    path = tmp_path / "x.db"
    with Cache(path) as cache:
        cache["a"] = 1
    path.write_bytes(b"XXXX" + path.read_bytes()[4:])
    with pytest.warns(CacheFileWarning, match="damaged"), Cache(path) as cache:
        cache["b"] = 2
        assert cache["b"] == 2
    assert path.read_bytes().startswith(b"SQLite format 3")


def test_a_deleted_database(tmp_path: Path) -> None:
    """Deleting the file deletes the cache, also for a process that has it open."""
    path = tmp_path / "x.db"
    cache = Cache(path)
    cache["a"] = 1
    assert cache["a"] == 1
    for part in tmp_path.iterdir():
        if "lock" not in part.name:
            part.unlink()
    cache.sync()
    cache["b"] = 2
    cache.close()
    with Cache(path) as later:
        assert list(later) == ["b"]


def test_a_log_without_its_database(tmp_path: Path) -> None:
    """A log left of a deleted database brings nothing back."""
    path = tmp_path / "x.db"
    cache = Cache(path)
    cache["a"] = 1
    shutil.copy(tmp_path / "x.db-wal", tmp_path / "kept")
    cache.close()
    path.unlink()
    (tmp_path / "kept").rename(tmp_path / "x.db-wal")
    with Cache(path) as later:
        assert len(later) == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    """A database in such a folder is read, and new results stay in the process."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with Cache(folder / "x.db") as cache:
        cache["a"] = 1
    folder.chmod(0o500)
    try:
        with pytest.warns(CacheFileWarning):
            cache = Cache(folder / "x.db")
            assert cache["a"] == 1
            cache["b"] = 2
            assert cache["b"] == 2
            cache.close()
    finally:
        folder.chmod(0o700)


def test_read_by_others(tmp_path: Path) -> None:
    """Python's own SQLite in another process reads what a cache keeps."""
    cache = Cache(tmp_path / "x.db")
    cache["a"] = [1, 2]
    found = Scripts(tmp_path).output("""
        import sqlite3
        print(sqlite3.connect("x.db").execute("SELECT key, text FROM entry").fetchall())
    """)
    assert found == "[(b'a', b'[1, 2]')]\n"
    cache["b"] = 3
    cache.close()
    assert len(Cache(tmp_path / "x.db")) == 2


def test_erased(tmp_path: Path) -> None:
    """A result forgotten with ``erase=True`` is nowhere on the disk."""
    with Cache(tmp_path / "x.db") as cache:
        for n in range(100):
            cache[f"f(x={n})"] = f"a secret of {n}!"
        cache.forget("f(x=7)", erase=True)
    assert b"secret of 7!" not in (tmp_path / "x.db").read_bytes()
    with Cache(tmp_path / "x.db") as cache:
        assert len(cache) == 99


def test_expired_entries_go(tmp_path: Path) -> None:
    """An entry that has long been of no use is dropped at a save, and only then."""
    path = tmp_path / "x.db"
    with Cache(path) as cache:
        cache.memoise(name="f", ttl=1)(lambda: 1)()
        cache.memoise(name="g", ttl=1000)(lambda: 1)()
    other = sqlite3.connect(path)
    other.execute("UPDATE entry SET expires = expires - 1e6")
    other.commit()
    other.close()
    with Cache(path) as cache:
        cache.memoise(name="f", ttl=1)
        assert len(cache) == 2
        cache.save()
        # What says so is the time at which it was made, not what was noted of it.
        assert len(cache) == 2
