"""Programs that do to their descriptors and processes what daemons and servers do."""

from __future__ import annotations

import sys

import pytest

from support.programs import Scripts

#: A process computes, closes all descriptors, and another one changes what it has.
CLOSED = """
import os, subprocess, sys, warnings
warnings.simplefilter("ignore")
from outlive import Cache

now = ["old"]
cache = Cache("c.json")
f = cache.memoise(lambda x: now[0], name="f")
f(0)
if "saved" in sys.argv:
    cache.save()
f(1), f(2)
os.closerange(3, 200)
subprocess.run([sys.executable, "-c", '''
import os, sys
from outlive import Cache
cache = Cache("c.json")
f = cache.memoise(lambda x: 0, name="f")
assert f.forget(1)
f.put("new", 2), f.put("theirs", 9)
os._exit(0) if "killed" in sys.argv else cache.close()
''', *sys.argv], check=True)
now[0] = "new"
f(3)
print(f(0), f(1), f(2), f.peek(9), f(3))
cache.close()
after = subprocess.run([sys.executable, "-c", '''
from outlive import Cache
f = Cache("c.json").memoise(lambda x: 0, name="f")
print(*map(f.peek, (0, 1, 2, 9, 3)), end="")
'''], check=True, capture_output=True, text=True)
print(after.stdout)
"""

#: A process closes all descriptors and begins a stream at once; another one, which takes itself for
#: the last, changes what it has before the stream ends.
STREAMED = """
import os, subprocess, sys, warnings
warnings.simplefilter("ignore")
from outlive import Cache

cache = Cache("c.json")
f = cache.memoise(lambda x: x, name="f")

@cache.memoise(name="pieces")
def pieces():
    yield 1
    yield 2

f(0)
os.closerange(3, 200)
streamed = pieces()
next(streamed)
subprocess.run([sys.executable, "-c", '''
from outlive import Cache
with Cache("c.json") as cache:
    cache.memoise(lambda x: 0, name="f").put("new", 1)
'''], check=True)
assert list(streamed) == [2]
print(pieces.cache_contains(), f.peek(1))
"""

#: A process opens files of its own under the numbers of those that it has closed.
REUSED = """
import os, subprocess, sys
from outlive import Cache

cache = Cache("c.json")
f = cache.memoise(lambda x: x, name="f")
f(0)
os.closerange(3, 64)
files = [open(f"own{n}", "ab+", buffering=0) for n in range(20)]
assert f(1) == 1
cache.save()
assert f(2) == 2
print(*{os.path.getsize(f"own{n}") for n in range(20)}, *map(f.peek, range(3)))
"""

#: The same with a database, whose files are SQLite's, before each of the ways to use it.
REUSED_BY_SQLITE = """
import os, subprocess, sys
from outlive import Cache

cache = Cache("c.db")
f = cache.memoise(lambda x: x * 100, name="f")
uses = [lambda: f("abc"), lambda: len(cache), lambda: dict(cache), cache.save, cache.close,
        lambda: f.forget("1"), lambda: f.put("p", "p"), lambda: f.peek("2"), cache.report,
        lambda: cache.forget('f(x="3")', erase=True), cache.clear]
look = "from outlive import Cache; print(len(Cache('c.db')))"
for n, use in enumerate(uses):
    for key in range(150):
        f(str(key))
    os.closerange(3, 64)
    files = [open(f"own{n}", "wb+", buffering=0) for n in range(4 + n)]
    for file in files:
        file.write(b"own" * 50_000)
    use()
    for file in files:
        file.seek(0)
        assert file.read() == b"own" * 50_000, n
        file.close()
    seen = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert int(seen.stdout) == len(cache), n
    assert len(cache) >= 149 or use == cache.clear, n
cache.close()
print(*sorted(name for name in os.listdir() if name.startswith("c.")))
"""

#: A process closes each file of the cache in turn, so that the next one which it opens, be it the
#: cache's own, gets its number; or it opens the same file there itself, for reading alone.
CLOSED_SINGLY = """
import os, sys
from outlive import Cache

cache = Cache("c.json")
f = cache.memoise(lambda x: x, name="f")
n = 0
for part in ("lock", "journal") * 3:
    f(n)
    for number in range(3, 64):
        try:
            path = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if part in path and os.path.exists(path):
            os.close(number)
            if "again" in sys.argv:
                held = os.open(path, os.O_RDONLY)
                os.dup2(held, number)
    for n in range(n + 1, n + 4):
        f(n), f.put(n, n), f.forget(n - 1)
    if "save" in sys.argv:
        cache.save()
cache.close()
print(*map(f.peek, range(n + 1)))
"""

#: A server forks without Python's hooks, as uWSGI does.
FORKED = """
import ctypes, os
from outlive import Cache

cache = Cache("c.json")
f = cache.memoise(lambda x: x * 2, name="f")
f(0)
fork = ctypes.PyDLL(None).fork
children = []
for n in (1, 2, 3):
    pid = fork()
    if pid == 0:
        f(0), f(n), f(9)
        os._exit(0)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
f(4)
print(*map(f.peek, (0, 1, 2, 3, 4, 9)))
cache.close()
print(*os.listdir())
"""


def test_a_stream_after_all_is_closed(script: Scripts) -> None:
    """A stream is kept although the program has just closed all that the cache had open."""
    assert script.output(STREAMED).split() == ["True", "new"]


@pytest.mark.parametrize("how", ["", "saved", "killed", "saved killed"])
def test_a_daemon_brings_nothing_back(script: Scripts, how: str) -> None:
    """What others forgot and replaced while a process had no descriptors stays as they left it."""
    told = script.output(CLOSED, *how.split())
    assert told.splitlines() == ["old new new theirs new"] * 2


def test_files_under_old_numbers_are_left_alone(script: Scripts) -> None:
    """A program's own files that got the numbers of the cache's are not written to, and no result is lost."""
    assert script.output(REUSED).split() == ["0", "0", "1", "2"]


def test_a_database_leaves_the_programs_files_alone(script: Scripts) -> None:
    """SQLite neither reads nor writes files of the program that got the numbers of its own."""
    assert script.output(REUSED_BY_SQLITE).split() == ["c.db"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the descriptors in /proc")
@pytest.mark.parametrize("how", ["", "save", "again", "again save"])
def test_a_number_that_comes_back(script: Scripts, how: str) -> None:
    """The cache's own file, opened anew under a number that it has lost, is not taken for the lost one."""
    kept = script.output(CLOSED_SINGLY, *how.split()).split()
    assert kept == ["None" if n < 18 else "18" for n in range(19)]


def test_a_fork_made_in_c(script: Scripts) -> None:
    """The results of children that were forked without Python's hooks are kept, beside their parent's."""
    values, files = script.output(FORKED).splitlines()
    assert values.split() == ["0", "2", "4", "6", "8", "18"]
    assert "c.json" in files.split() and "journal" not in files
