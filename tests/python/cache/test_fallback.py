"""A second file, which is only read, below the file of a cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outlive import Cache, CacheFileWarning, CacheMiss
from support.clock import Clock


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """Return a cache file that another program made: double of 1 and 2, and "by hand"."""
    path = tmp_path / "committed.json"
    with Cache(path) as cache:
        double = cache.memoise(lambda x: 2 * x, name="double")
        assert (double(1), double(2)) == (2, 4)
        cache["by hand"] = [1]
    return path


def test_what_the_first_file_lacks_is_looked_up_in_the_second(
    committed: Path, tmp_path: Path
) -> None:
    """A call computes only what both files lack; the result goes to the first file alone."""
    before = committed.read_bytes()
    calls: list[int] = []
    with Cache(tmp_path / "local.json", fallback=committed) as cache:

        @cache.memoise(name="double", on_code_change="ignore")
        def double(x: int) -> int:
            calls.append(x)
            return 2 * x

        assert [double(x) for x in (1, 2, 3, 1, 3)] == [2, 4, 6, 2, 6]
        assert calls == [3]
    assert committed.read_bytes() == before
    kept = json.loads((tmp_path / "local.json").read_text(encoding="utf-8"))
    assert list(kept) == ["double(x=3)", "outlive"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["committed.json", "local.json"]


def test_the_mapping_shows_both(committed: Path, tmp_path: Path) -> None:
    """Length, iteration, ``in``, items and ``peek`` count an entry of either file, once."""
    with Cache(tmp_path / "local.json", fallback=committed) as cache:
        cache["by hand"] = [2]
        cache["own"] = 3
        assert len(cache) == 4 and set(cache) == {"own", "by hand", "double(x=1)", "double(x=2)"}
        assert "double(x=1)" in cache and cache["by hand"] == [2]
        cache["by hand"].append(3)
        double = cache.memoise(lambda x: 2 * x, name="double", on_code_change="ignore")
        assert double.peek(1) == 2 and double.cache_info().currsize == 2
    assert Cache(committed)["by hand"] == [1]


def test_what_is_too_old_there_is_computed(tmp_path: Path) -> None:
    """Entries of the second file have the age that they have there."""
    clock = Clock()
    with Cache(tmp_path / "committed.json", clock=clock) as cache:
        cache.memoise(lambda: "old", name="f")()
    clock.now += 3600
    with Cache(tmp_path / "local.json", fallback=tmp_path / "committed.json", clock=clock) as cache:
        assert cache.memoise(lambda: "new", name="f", ttl="30m")() == "new"
        assert list(cache.values()) == ["new"]
    assert Cache(tmp_path / "local.json")["f()"] == "new"


def test_offline_and_readonly_serve_it(committed: Path, tmp_path: Path) -> None:
    """Modes that write nothing serve the second file; offline computes nothing beyond it."""
    with Cache(tmp_path / "local.json", fallback=committed, mode="offline") as cache:
        double = cache.memoise(lambda x: -x, name="double", on_code_change="ignore")
        assert double(1) == 2
        with pytest.raises(CacheMiss):
            double(3)
    assert not (tmp_path / "local.json").exists()


def test_what_is_forgotten_stays_away_in_this_process(committed: Path, tmp_path: Path) -> None:
    """A forgotten entry of the second file is not borrowed again by another object."""
    with Cache(tmp_path / "local.json", fallback=committed) as cache:
        double = cache.memoise(lambda x: -x, name="double", on_code_change="ignore")
        assert double.forget(1) is True and double(1) == -1
        cache.clear()
        assert len(cache) == 0 and double(2) == -2
    with Cache(tmp_path / "local.json", fallback=committed) as cache:
        assert cache["double(x=2)"] == -2 and "double(x=1)" not in cache


def test_secret_arguments_are_found_in_the_second_file(tmp_path: Path) -> None:
    """Digests of secrets are made as those of the second file are, where the first has none."""
    with Cache(tmp_path / "committed.json") as cache:
        cache.memoise(lambda token: 1, name="f", secret=("token",))("t")
    with Cache(tmp_path / "local.json", fallback=tmp_path / "committed.json") as cache:
        f = cache.memoise(lambda token: 2, name="f", secret=("token",), on_code_change="ignore")
        assert f("t") == 1


def test_it_must_be_another_file(tmp_path: Path) -> None:
    """A cache cannot stand below itself, and one in memory has no file to stand on."""
    for path in (tmp_path / "c.json", None):
        with pytest.raises(ValueError, match="another file"):
            Cache(path, fallback=tmp_path / "c.json")


def test_a_second_file_that_is_missing_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere is probably a mistake: it warns, and calls go on without."""
    cache = Cache(tmp_path / "local.json", fallback=tmp_path / "comitted.json")
    with pytest.warns(CacheFileWarning, match=r"comitted\.json is not there"):
        assert cache.memoise(lambda: 1, name="f")() == 1
