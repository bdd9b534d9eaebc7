"""The page of the lock file: a process announces there what it forgets."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are looked for on Linux")

OTHER = """
    import sys
    from outlive import Cache
    cache = Cache("cache.json")
    @cache.memoise(name="f")
    def f(n): return [n]
    def do(what):
        print(what, flush=True)
        assert sys.stdin.readline()
    f(1)
    do("computed")
    f.forget(1)
    do("forgotten")
    assert f(2) == [2]
"""


def page_of(folder: Path) -> bytes:
    """What stands in the page."""
    return (folder / "cache.json.lock").read_bytes()


def test_a_forgotten_result_is_announced(tmp_path: Path) -> None:
    """A first result leaves the page unchanged, a forgotten one changes it."""
    with Scripts(tmp_path).start(OTHER) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == "computed\n"
        before = page_of(tmp_path)
        assert len(before) == 4096
        print(flush=True, file=program.stdin)
        assert program.stdout.readline() == "forgotten\n"
        assert before[:8] == page_of(tmp_path)[:8] == b"outlive\x01"
        assert before[8:16] != page_of(tmp_path)[8:16]
        out, err = program.communicate("\n")
    assert (out, err, program.returncode) == ("", "", 0)


def test_a_page_is_cut_under_a_process(tmp_path: Path) -> None:
    """Cutting the lock file costs a process its page and nothing else; it says so once."""
    with Scripts(tmp_path).start(OTHER) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == "computed\n"
        with (tmp_path / "cache.json.lock").open("r+b") as lock:
            lock.truncate(0)
        print(flush=True, file=program.stdin)
        assert program.stdout.readline() == "forgotten\n"
        out, err = program.communicate("\n")
    assert (out, program.returncode) == ("", 0)
    assert err.count("cut it short") == 1
    assert "[2]" in json.dumps(json.loads((tmp_path / "cache.json").read_text()))


HITS = """
    import sys
    from outlive import Cache
    cache = Cache("cache.json")
    @cache.memoise(name="f")
    def f(n): return n
    assert f(1) == f(1) == 1
    print("there", flush=True)
    assert sys.stdin.readline()
    assert all(f(1) == 1 for _ in range(1000))
    assert f(2) == 2 and f.cache_info().misses == 2
"""


def test_a_page_is_cut_under_hits(tmp_path: Path) -> None:
    """Hits look at the page; cutting it ends no process."""
    with Scripts(tmp_path).start(HITS) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == "there\n"
        with (tmp_path / "cache.json.lock").open("r+b") as lock:
            lock.truncate(0)
        out, err = program.communicate("\n")
    assert (out, program.returncode) == ("", 0), err
    assert err.count("cut it short") == 1


def test_other_bus_errors_end_the_process(tmp_path: Path) -> None:
    """A SIGBUS that is not the page's reaches the previous handler: here it ends the process."""
    source = """
        import mmap
        from outlive import Cache
        Cache("cache.json").memoise(name="f")(abs)(1)
        with open("own", "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            own = mmap.mmap(file.fileno(), 0)
            file.truncate(0)
        print(own[0])
    """
    ended = Scripts(tmp_path)(source, PYTHONFAULTHANDLER="")
    assert (ended.out, ended.status) == ("", -signal.SIGBUS)
