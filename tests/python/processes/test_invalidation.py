"""What one process forgets, clears or replaces, the hits of every other process see."""

from __future__ import annotations

import mmap
import sys
from contextlib import ExitStack
from pathlib import Path

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


def test_no_old_answer_after_a_purge(tmp_path: Path) -> None:
    """Once a purge has returned, no hit of any process gives what it purged: a thousand times."""
    scripts = Scripts(tmp_path)
    (tmp_path / "words").write_bytes(bytes(8 * (1 + WORKERS)))
    cache = Cache(tmp_path / "cache.json")

    @cache.memoise(name="truth", on_code_change="ignore")
    def truth() -> int:
        return number

    with ExitStack() as stack:
        file = stack.enter_context((tmp_path / "words").open("r+b"))
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
        workers = [
            stack.enter_context(scripts.start(WORKER, str(worker), str(PURGES)))
            for worker in range(WORKERS)
        ]
        for number in range(1, PURGES + 1):
            match number % 4:
                case 0:
                    truth.forget()
                case 1:
                    cache.clear()
                case 2:
                    truth.put(number)
                case _:
                    truth.refresh()
            words[PURGED] = number - 1
            truth.put(number)
            while min(words[SEEN:]) < number and all(worker.poll() is None for worker in workers):
                pass
        ends = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WORKERS, ends


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
    """Once a purge has returned, no call gives what was computed from the state before it."""
    scripts = Scripts(tmp_path)
    (tmp_path / "words").write_bytes(bytes(8 * (1 + WORKERS)))
    (tmp_path / "truth").write_text("0")
    cache = Cache(tmp_path / "cache.json")

    @cache.memoise(name="truth")
    def truth() -> int:
        return int((tmp_path / "truth").read_text())

    with ExitStack() as stack:
        file = stack.enter_context((tmp_path / "words").open("r+b"))
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
        workers = [
            stack.enter_context(scripts.start(COMPUTING, str(number), str(PURGES)))
            for number in range(WORKERS)
        ]
        for number in range(1, PURGES + 1):
            (tmp_path / "next").write_text(str(number))
            (tmp_path / "next").replace(tmp_path / "truth")
            match number % 4:
                case 0:
                    truth.forget()
                case 1:
                    cache.clear()
                case 2:
                    truth.put(number)
                case _:
                    truth.refresh()
            words[PURGED] = number
            while min(words[SEEN:]) < number and all(worker.poll() is None for worker in workers):
                pass
        ends = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WORKERS, ends


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
    """A save that folds the journals away leaves the purge known to those who compute."""
    scripts = Scripts(tmp_path)
    scripts.output(FOLDED, "first", how)
    with scripts.start(FOLDED, "computes", how) as computing:
        until(lambda: (tmp_path / "began").exists())
        scripts.output(FOLDED, "purges", how)
        (tmp_path / "go").touch()
        assert computing.wait(60) == 0
    assert scripts.output(FOLDED, "looks", how).strip() == ("new" if how == "put" else "None")
