"""The cost of importing outlive: next to nothing; dropped caches leave nothing behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import outlive
from outlive import Cache, _registry

#: Each takes longer to import than all of outlive; whoever decorates something needs some of them.
SLOW = {"asyncio", "collections", "functools", "inspect", "platformdirs", "re", "typing", "weakref"}


def test_nothing_slow_is_imported(tmp_path: Path) -> None:
    """Neither door imports a large module of the standard library before something is decorated."""
    for door in ("Cache", "memoise"):
        # Without site, which imports what it likes.
        code = f"import sys; from outlive import {door}; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-S", "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(outlive.__file__).parent.parent)},
            check=True,
            capture_output=True,
            text=True,
        )
        assert SLOW & set(done.stdout.split()) == set()


def test_a_cache_that_went_leaves_nothing(tmp_path: Path) -> None:
    """State shared by Cache objects on one file is dropped with the last of them."""
    path = tmp_path / "c.json"
    first, second = Cache(path), Cache(path)
    assert first._state.core.file is second._state.core.file
    first["a"] = 1
    gone = weakref.ref(first._state.core.file)
    del first, second
    gc.collect()
    assert gone() is None
    assert Cache(path)["a"] == 1
    for number in range(100):
        Cache(tmp_path / f"{number}.json")
    gc.collect()
    Cache(tmp_path / "last.json")
    mine = [name for name in _registry._files if name.startswith(str(tmp_path))]
    assert len(mine) <= 2
    assert len(_registry.sharing(Cache(path)._state.core)) == 0


def test_one_cache_of_a_path_in_many_threads(tmp_path: Path) -> None:
    """Whatever threads make and drop caches on a file at once: those alive share one."""
    path = tmp_path / "c.json"
    start = threading.Barrier(8)
    seen: list[set[int]] = [set() for _ in range(100)]

    def make() -> None:
        for numbers in seen:
            start.wait()
            cache = Cache(path)
            numbers.add(id(cache._state.core.file))
            start.wait()
            del cache

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(numbers) for numbers in seen] == [1] * 100
