"""Long results in a database are compressed; nobody but their size shows it."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

from outlive import Cache, CacheFileWarning

#: What a compressed text begins with.
MAGIC = bytes.fromhex("28b52ffd")
LONG = [{"id": n, "name": f"contributor {n}", "type": "User"} for n in range(2_000)]


def texts(path: Path) -> dict[str, bytes]:
    """The texts of a database by their keys, as they are stored. Nobody else has it open."""
    connection = sqlite3.connect(path)
    rows = {key.decode(): text for key, text in connection.execute("SELECT key, text FROM entry")}
    connection.close()
    return rows


def test_long_texts_are_compressed(tmp_path: Path) -> None:
    """A long result takes a fraction of its text, and comes back as it was; a short one is plain."""
    path = tmp_path / "x.db"
    with Cache(path) as cache:
        cache["long"], cache["short"] = LONG, [1, 2]
        cache["long again"] = LONG[:5]
        cache["long again"] = LONG
    stored = texts(path)
    assert json.loads(stored["short"]) == [1, 2]
    for key in ("long", "long again"):
        assert stored[key].startswith(MAGIC)
        assert len(stored[key]) < 20_000
    assert path.stat().st_size < 150_000
    with Cache(path, near=0) as cache:
        assert cache["long"] == cache["long again"] == LONG
        assert cache["short"] == [1, 2]


def test_what_cannot_be_compressed_is_stored_as_it_is(tmp_path: Path) -> None:
    """A long text that would hardly be shorter is stored as it is."""
    letters = [chr(n) for n in range(0x23, 0x7F) if chr(n) != "\\"]
    noise = "".join(random.Random(1).choices(letters, k=20_000))
    with Cache(tmp_path / "x.db") as cache:
        cache["noise"] = noise
    assert texts(tmp_path / "x.db")["noise"].decode() == f'"{noise}"'
    with Cache(tmp_path / "x.db") as cache:
        assert cache["noise"] == noise


def test_limits_and_lists_count_texts(tmp_path: Path) -> None:
    """``max_bytes`` and lists count what a text has, not what it takes: as in every other store."""
    sizes = {}
    for name in ("x.json", "x.db"):
        with Cache(tmp_path / name, max_bytes=1_000_000) as cache:
            for n in range(20):
                cache[f"{n}"] = LONG
            sizes[name] = len(cache)
    assert sizes["x.db"] == sizes["x.json"] < 20
    rows, _ = Cache(tmp_path / "x.db")._state.core.facts.rows(
        order="size", descending=True, limit=1
    )
    assert rows[0][1] > 80_000


@pytest.mark.parametrize("damage", ["text", "magic", "size", "hostile size", "cut"])
def test_a_damaged_long_text_is_a_miss(tmp_path: Path, damage: str) -> None:
    """A compressed text that is not what was written is computed anew, and told once."""
    path, calls = tmp_path / "x.db", []

    def made(cache: Cache) -> object:
        @cache.memoise(name="long")
        def long() -> object:
            calls.append(1)
            return LONG

        return long()

    with Cache(path) as cache:
        made(cache)
    [(key, text)] = texts(path).items()
    at = {"text": len(text) // 2, "magic": 0}.get(damage)
    torn = text[:-9] if damage == "cut" else text
    if at is not None:
        torn = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
    size = {"size": 7, "hostile size": 2**62}.get(damage)
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE entry SET text = ?, size = coalesce(?, size) WHERE key = ?",
        (torn, size, key.encode()),
    )
    connection.commit()
    connection.close()
    with pytest.warns(CacheFileWarning, match="damaged"), Cache(path, near=0) as cache:
        assert made(cache) == LONG
    with Cache(path, near=0) as cache:
        assert made(cache) == LONG
    assert len(calls) == 2
