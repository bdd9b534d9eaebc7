"""Results too large for a journal: a warning, kept by the process, and out of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlive import Cache, UnstorableWarning, _core

#: What stands for 1 GiB in these tests.
LIMIT = 10_000


@pytest.fixture(autouse=True)
def lower_limit() -> Iterator[None]:
    """Results may have texts of up to 10,000 bytes."""
    before = _core.limit_results(LIMIT)
    assert before == 1 << 30
    yield
    _core.limit_results(before)


def test_larger_results_live_in_this_process(tmp_path: Path) -> None:
    """A result over 1 GiB is kept by this process, with one warning, and nothing of it is written."""
    cache = Cache(tmp_path / "c.json")
    large = ["x" * LIMIT]

    @cache.memoise
    def f(key: str) -> list[str]:
        return large if key == "large" else ["small"]

    with pytest.warns(UnstorableWarning, match=f"more than the {LIMIT} bytes"):
        assert f("large") is large
    assert f("large") == large and f("small") == ["small"]
    written = sum(file.stat().st_size for file in tmp_path.iterdir() if ".lock" not in file.name)
    assert 0 < written < LIMIT
    cache.close()
    assert "small" in (tmp_path / "c.json").read_text() and len(list(tmp_path.iterdir())) == 1


def test_the_largest_result_is_kept(tmp_path: Path) -> None:
    """A result whose text has just as many bytes as may be goes to the file."""
    text = "x" * (LIMIT - len('""'))
    with Cache(tmp_path / "c.json") as cache:
        cache.memoise(lambda: text, name="f")()
    assert text in (tmp_path / "c.json").read_text()


def test_a_larger_result_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    """If a refreshed result is too large for the file, the file drops the older one."""
    results = iter(["old", "x" * LIMIT])
    with Cache(tmp_path / "c.json") as cache:
        f = cache.memoise(lambda: next(results), name="f")
        assert f() == "old"
        with pytest.warns(UnstorableWarning):
            f.refresh()
    assert "old" not in (tmp_path / "c.json").read_text()
