"""The hits of every process see what one process forgets, clears or replaces."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.programs import Scripts
from support.threads import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are looked for on Linux")

#: Words of a file that all map: how many purges have returned, and what each worker saw last.
PURGED, SEEN = 0, 1
WORKERS = 4
PURGES = 1000

WORKER = """
    import mmap, os, sys
    from outlive import Cache

    own, last = int(sys.argv[1]), int(sys.argv[2])
    with open("words", "r+b") as file:
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

    @Cache("cache.json").memoise(name="truth", on_code_change="ignore")
    def truth():
        raise LookupError

    found = 0
    while found < last:
        purged = words[0]
        try:
            found = truth()
        except LookupError:
            continue
        assert found > purged, f"{purged} was purged, and {found} is served"
        words[1 + own] = found
        os.sched_yield()
"""


@contextmanager
def workers(folder: Path, program: str) -> Iterator[tuple[memoryview[int], Callable[[int], None]]]:
    """Four processes that run a program; the words, and what waits until all have seen a number.

    Each of them must end well.
    """
    scripts = Scripts(folder)
    (folder / "words").write_bytes(bytes(8 * (1 + WORKERS)))
    with ExitStack() as stack:
        file = stack.enter_context((folder / "words").open("r+b"))
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
        running = [
            stack.enter_context(scripts.start(program, str(own), str(PURGES)))
            for own in range(WORKERS)
        ]

        def all_have_seen(number: int) -> None:
            while min(words[SEEN:]) < number and all(each.poll() is None for each in running):
                pass

        yield words, all_have_seen
        ends = [each.communicate() for each in running]
    assert [each.returncode for each in running] == [0] * WORKERS, ends


def purge(cache: Cache, truth: Any, number: int) -> None:
    """Make the result old, in one of the four ways in turn."""
    match number % 4:
        case 0:
            truth.forget()
        case 1:
            cache.clear()
        case 2:
            truth.put(number)
        case _:
            truth.refresh()


def test_no_old_answer_after_a_purge(tmp_path: Path) -> None:
    """Once a purge has returned, no hit of any process returns the purged result: 1000 times."""
    cache = Cache(tmp_path / "cache.json")

    @cache.memoise(name="truth", on_code_change="ignore")
    def truth() -> int:
        return number

    with workers(tmp_path, WORKER) as (words, all_have_seen):
        for number in range(1, PURGES + 1):
            purge(cache, truth, number)
            words[PURGED] = number - 1
            truth.put(number)
            all_have_seen(number)


COMPUTING = """
    import mmap, os, sys
    from pathlib import Path
    from outlive import Cache

    own = int(sys.argv[1])
    with open("words", "r+b") as file:
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    cache = Cache("cache.json")

    @cache.memoise(name="truth")
    def truth():
        return int(Path("truth").read_text())

    @cache.memoise(name="other")
    def other():
        return "other"

    calls = 0
    while True:
        purged = words[0]
        found = truth()
        assert found >= purged, f"{purged} purges have returned, and {found} is served"
        words[1 + own] = found
        assert other() == "other"
        calls += 1
        if found == int(sys.argv[2]):
            break
        os.sched_yield()
    print(calls)
"""


def test_what_was_begun_before_a_purge_is_not_kept(tmp_path: Path) -> None:
    """Once a purge has returned, no call returns a result computed from the state before it."""
    (tmp_path / "truth").write_text("0")
    cache = Cache(tmp_path / "cache.json")

    @cache.memoise(name="truth")
    def truth() -> int:
        return int((tmp_path / "truth").read_text())

    with workers(tmp_path, COMPUTING) as (words, all_have_seen):
        for number in range(1, PURGES + 1):
            (tmp_path / "next").write_text(str(number))
            (tmp_path / "next").replace(tmp_path / "truth")
            purge(cache, truth, number)
            words[PURGED] = number
            all_have_seen(number)


FOLDED = """
    import sys, time
    from pathlib import Path
    from outlive import Cache

    role, how = sys.argv[1:]
    cache = Cache("cache.json")

    @cache.memoise(name="f", on_code_change="ignore")
    def f(number):
        if role == "computes" and number == 1:
            Path("began").touch()
            while not Path("go").exists():
                time.sleep(0.005)
        return "old"

    if role in ("first", "computes"):
        f(2 if role == "first" else 1)
    if role == "purges":
        cache.update({f.cache_key(1): "new"}) if how == "put" else f.cache_clear()
        cache.save()
    if role == "looks":
        print(f.peek(1))
"""


@pytest.mark.parametrize("how", ["put", "clear"])
def test_a_purge_that_was_saved_meanwhile_counts(how: str, tmp_path: Path) -> None:
    """A save that folds the journals away keeps the purge known to computing processes."""
    scripts = Scripts(tmp_path)
    scripts.output(FOLDED, "first", how)
    with scripts.start(FOLDED, "computes", how) as computing:
        until(lambda: (tmp_path / "began").exists())
        scripts.output(FOLDED, "purges", how)
        (tmp_path / "go").touch()
        assert computing.wait(60) == 0
    assert scripts.output(FOLDED, "looks", how).strip() == ("new" if how == "put" else "None")
