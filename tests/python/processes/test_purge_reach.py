"""What is purged is served by no process, whatever became of the files, and wherever it was kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from outlive import Cache
from support.programs import Scripts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are looked for on Linux")

PROGRAM = """
    import sys, warnings
    from pathlib import Path
    from outlive import Cache
    warnings.simplefilter("ignore")
    cache = Cache(sys.argv[1])
    def truth(): return Path("truth").read_text()
    @cache.memoise(name="f", tags=("t",))
    def f(n): return truth()
    @cache.memoise(name="u", tags=("t",))
    def u(n):
        text = truth()
        return lambda: text  # no file can hold it
    for line in sys.stdin:
        print(eval(line), flush=True)
"""

PURGES = [
    "f.forget(1)",
    "f.forget_where(n=1)",
    "f.cache_clear()",
    "cache.clear()",
    "cache.forget('f(*')",
    "cache.forget(tag='t')",
    "f.put(truth(), 1)",
    "f.refresh(1)",
]


class Program:
    """A program that evaluates expressions."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Talk to ``process``."""
        self.process = process

    def __call__(self, expression: str) -> str:
        """What ``expression`` is there."""
        assert self.process.stdin and self.process.stdout
        print(expression, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, self.process.stderr and self.process.stderr.read()
        return answer.removesuffix("\n")


@contextmanager
def programs(folder: Path, name: str, count: int = 3) -> Iterator[list[Program]]:
    """Several programs on one cache."""
    scripts = Scripts(folder)
    with ExitStack() as stack:
        yield [Program(stack.enter_context(scripts.start(PROGRAM, name))) for _ in range(count)]


def replaced(folder: Path) -> None:
    """Put a copy of the lock file into its place."""
    shutil.copy(folder / "cache.json.lock", folder / "copy")
    (folder / "copy").rename(folder / "cache.json.lock")


def cut(folder: Path) -> None:
    """Cut the lock file behind the word that hits look at."""
    with (folder / "cache.json.lock").open("r+b") as lock:
        lock.truncate(100)


def removed(*patterns: str) -> Callable[[Path], None]:
    """Return what removes the files of these patterns."""

    def remove(folder: Path) -> None:
        for pattern in patterns:
            for path in folder.glob(pattern):
                path.unlink()

    return remove


@pytest.mark.parametrize(
    "take_away",
    [
        pytest.param(removed("*.lock"), id="lock_removed"),
        pytest.param(replaced, id="lock_replaced"),
        pytest.param(cut, id="lock_cut"),
        pytest.param(removed("*.journal-*"), id="journal_removed"),
        pytest.param(removed("cache.json"), id="file_removed"),
        pytest.param(removed("cache.json*"), id="all_removed"),
    ],
)
@pytest.mark.parametrize("purge", PURGES[::2] + PURGES[-1:])
def test_a_purge_after_files_were_taken_away(
    take_away: Callable[[Path], None], purge: str, tmp_path: Path
) -> None:
    """Processes that only hit see a purge although their lock file, or others, are gone."""
    (tmp_path / "truth").write_text("old")
    with programs(tmp_path, "cache.json") as (one, other, purger):
        for program in (one, other, purger) * 2:
            assert program("f(1)") == "old"
        if take_away.__name__ == "remove":
            purger("cache.save()")  # so that there is a snapshot to remove
            one("f(2)")
        take_away(tmp_path)
        (tmp_path / "truth").write_text("new")
        purger(purge)
        assert [program("f(1)") for program in (one, other, purger)] == ["new"] * 3


@pytest.mark.parametrize("name", ["cache.json", "cache.db"])
@pytest.mark.parametrize("purger_has_one", [True, False])
@pytest.mark.parametrize("purge", [it.replace("f", "u", 1) for it in PURGES if it[0] == "f"])
def test_results_that_no_file_holds(
    name: str, purger_has_one: bool, purge: str, tmp_path: Path
) -> None:
    """Results that live in a process alone are purged in the others, too, and only those."""
    (tmp_path / "truth").write_text("old")
    purge = purge.replace("truth()", "(lambda: 'new')")
    with programs(tmp_path, name, 2) as (one, purger):
        one("f(0)")  # so that there is a database
        for program in (one, purger) if purger_has_one else (one,):
            assert [program("u(1)()"), program("u(11)()")] == ["old"] * 2
        (tmp_path / "truth").write_text("new")
        purger(purge)
        assert [program("u(1)()") for program in (one, purger)] == ["new"] * 2
        assert one("u(11)()") == ("new" if "clear" in purge else "old")


@pytest.mark.parametrize("name", ["cache.json", "cache.db"])
@pytest.mark.parametrize(
    ("purge", "others"),
    [
        ("cache.clear()", "new"),
        ("cache.forget('u(*')", "new"),
        ("cache.forget(tag='t')", "new"),
        ("cache.forget(tag='other')", "old"),
    ],
)
def test_results_that_no_file_holds_by_cache(
    name: str, purge: str, others: str, tmp_path: Path
) -> None:
    """A purge of many reaches them by pattern and by tag."""
    (tmp_path / "truth").write_text("old")
    with programs(tmp_path, name, 2) as (one, purger):
        assert one("f(0)") == one("u(1)()") == purger("u(1)()") == "old"
        (tmp_path / "truth").write_text("new")
        purger(purge)
        assert [program("u(1)()") for program in (one, purger)] == [others] * 2


@pytest.mark.parametrize("forget", ["pop", "del"])
def test_what_is_being_computed_is_popped(forget: str, tmp_path: Path) -> None:
    """Forgetting a key that is only being computed outdates the computation."""
    cache = Cache(tmp_path / "cache.json")
    begun, purged = Event(), Event()

    @cache.memoise(name="f")
    def f(n: int) -> str:
        begun.set()
        assert purged.wait(60)
        return "old"

    thread = Thread(target=f, args=(1,))
    thread.start()
    assert begun.wait(60)
    key = f.cache_key(1)
    if forget == "pop":
        assert cache.pop(key, None) is None
    else:
        with pytest.raises(KeyError):
            del cache[key]
    purged.set()
    thread.join()
    assert key not in cache
