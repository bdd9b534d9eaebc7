"""The folder of a cache is moved away while a program uses it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from outlive import Cache


@pytest.mark.filterwarnings("ignore::outlive.OutliveWarning")
@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("copied", [False, True])
def test_what_is_computed_afterwards_is_at_the_path(
    tmp_path: Path, saved: bool, copied: bool
) -> None:
    """A folder is renamed, and one created or copied back: results go to the one at the path."""
    folder, old = tmp_path / "run", tmp_path / "old"
    folder.mkdir()
    cache = Cache(folder / "c.json")
    f = cache.memoise(lambda x: x * 2, name="f")
    f(1)
    if saved:
        cache.save()
    time.sleep(0.01)
    folder.rename(old)
    shutil.copytree(old, folder) if copied else folder.mkdir()
    time.sleep(0.01)
    assert [f(2), f(3)] == [4, 6]
    shutil.copytree(folder, tmp_path / "killed")
    with Cache(tmp_path / "killed" / "c.json") as after:
        g = after.memoise(lambda x: x * 2, name="f")
        assert g.cache_contains(2) and g.cache_contains(3)
    cache.close()
