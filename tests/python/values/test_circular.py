"""Results that are nested too deeply or hold themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from outlive import UnstorableWarning
from outlive._drop_in import DropInCache
from support.sameness import same
from support.sanitized import small_stacks


def test_results_nested_too_deeply_live_in_this_process(drop_in: DropInCache) -> None:
    """10,000 levels overflow no stack: the very object is kept in memory, with one warning."""
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    f = drop_in.memoise(lambda key: deep)
    with pytest.warns(UnstorableWarning, match="nested deeper") as told:
        assert f("k") is deep
    assert f("k") is deep and len(str(told[0].message)) < 2000


def test_circular_results_live_in_this_process(drop_in: DropInCache) -> None:
    """A list that holds itself is served as the very object, and kept out of the file."""
    items: list[Any] = [1]
    items.append({"again": items})
    f = drop_in.memoise(lambda key: items, copy=False)
    with pytest.warns(UnstorableWarning, match="circle"):
        assert f("k") is items
    assert f("k") is items
    drop_in.save()
    assert not Path(str(drop_in.path)).exists()


@small_stacks
def test_deep_values_fit_small_stacks(drop_in: DropInCache, tmp_path: Path) -> None:
    """480 levels are kept, copied and read in a thread with 256 KiB of stack."""
    import threading

    value: Any = []
    for n in range(480):
        value = [value] if n % 2 else {"in": value}
    f = drop_in.memoise(lambda key: value)
    found: list[Any] = []

    def work() -> None:
        found.extend([f("k"), f("k")])
        drop_in.save()
        copy = shutil.copy(str(drop_in.path), tmp_path / "copy.json")
        found.append(DropInCache(copy)["k"])

    old = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(old)
    thread.join()
    assert len(found) == 3 and all(same(one, value) for one in found)
