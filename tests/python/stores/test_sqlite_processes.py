"""Databases that several processes use at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outlive import Cache
from support.programs import Scripts

WRITER = """
    import sys
    from outlive import Cache
    cache, own = Cache("x.db"), int(sys.argv[1])
    for n in range(100):
        cache[f"{own} {n}"] = n
        assert cache[f"{own} {n}"] == n
    print(len([key for key in cache if key.startswith(f"{own} ")]))
"""


def at_once(folder: Path, program: str, number: int) -> list[str]:
    """What as many programs print that run at once; none may say anything else."""
    scripts = [Scripts(folder, f"program{n}.py") for n in range(number)]
    started = [script.start(program, str(n)) for n, script in enumerate(scripts)]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in started]
    assert [(err, status) for _, err, status in ended] == [("", 0)] * number
    return [out for out, _, _ in ended]


def test_eight_writers(tmp_path: Path) -> None:
    """Eight processes open a new database at once and write: nothing is lost, none is refused."""
    assert at_once(tmp_path, WRITER, 8) == ["100\n"] * 8
    with Cache(tmp_path / "x.db") as cache:
        assert {key: cache[key] for key in cache} == {
            f"{own} {n}": n for own in range(8) for n in range(100)
        }
    assert [path.name for path in tmp_path.glob("x.*")] == ["x.db"]


WITHIN_LIMITS = """
    import sys
    from outlive import Cache
    cache, own = Cache("x.db"), int(sys.argv[1])
    f = cache.memoise(name="f", maxsize=5)(lambda x: [x])
    g = cache.memoise(name="g")(lambda x: x)
    for n in range(150):
        f(1000 * own + n), f(1000 * own + max(0, n - 2)), g(1000 * own + n)
"""


def test_nobody_sees_a_limit_exceeded(tmp_path: Path) -> None:
    """While eight processes store, another program never finds more entries than the limit."""
    most, looks = 0, 0
    scripts = [Scripts(tmp_path, f"program{n}.py") for n in range(8)]
    started = [script.start(WITHIN_LIMITS, str(n)) for n, script in enumerate(scripts)]
    while any(program.poll() is None for program in started):
        with contextlib.suppress(sqlite3.Error), looked_at(tmp_path / "x.db") as database:
            while any(program.poll() is None for program in started):
                (found,) = database.execute(COUNT).fetchone()
                most, looks = max(most, found), looks + 1
        time.sleep(0.01)  # it is made at this moment
    assert [program.communicate()[1] for program in started] == [""] * 8
    assert (most, looks > 50) == (5, True)
    with Cache(tmp_path / "x.db") as cache:
        assert (len(cache), sum(key.startswith("f(") for key in cache)) == (1205, 5)


def looked_at(path: Path) -> contextlib.closing[sqlite3.Connection]:
    """A database as another program reads it."""
    return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True))


COUNT = "SELECT count(*) FROM entry JOIN function ON function.id = function WHERE name = x'66'"


def test_computed_once(tmp_path: Path) -> None:
    """Processes that ask for the same keys compute each once."""
    program = """
        import os
        from outlive import Cache
        @Cache("x.db").memoise(name="f", on_code_change="ignore")
        def f(n):
            with open("calls", "a") as calls:
                calls.write(f"{n}\\n")
            return n
        for n in range(40):
            assert f(n) == n
    """
    at_once(tmp_path, program, 4)
    assert sorted(map(int, (tmp_path / "calls").read_text().split())) == list(range(40))


def test_what_one_forgets_all_miss(tmp_path: Path) -> None:
    """A process that serves a result from its table sees what another one forgets or replaces."""
    cache = Cache(tmp_path / "x.db")
    numbers = iter(range(100))
    get = cache.memoise(name="get", on_code_change="ignore")(lambda: next(numbers))
    assert [get(), get(), get()] == [0, 0, 0]
    scripts = Scripts(tmp_path)
    program = """
        import sys
        from outlive import Cache
        cache = Cache("x.db")
        get = cache.memoise(name="get", on_code_change="ignore")(lambda: 1000)
        {action}
    """
    for action in ("get.forget()", "get.cache_clear()", "cache.clear()", "cache.forget('get(*')"):
        before = get()
        scripts.output(program.format(action=action))
        assert get() == before + 1, action
    scripts.output(program.format(action="get.refresh()"))
    assert get() == 1000
    scripts.output(program.format(action="get.put(2000)"))
    assert (get(), cache["get()"]) == (2000, 2000)
    scripts.output(program.format(action="print(len(cache))"))
    cache.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_forks(tmp_path: Path) -> None:
    """Parent and children go on writing after a fork, also one with threads, and lose nothing."""
    ended = Scripts(tmp_path).output("""
        import os, threading, warnings
        from outlive import Cache
        warnings.simplefilter("ignore", DeprecationWarning)
        cache, going = Cache("x.db"), True

        def write(who):
            n = 0
            while going:
                cache[f"{who} {n}"] = n
                n += 1
            counts[who] = n

        counts = {}
        threads = [threading.Thread(target=write, args=(f"thread {n}",)) for n in range(2)]
        for thread in threads: thread.start()
        children = []
        for child in range(10):
            pid = os.fork()
            if not pid:
                for n in range(20):
                    cache[f"child {child} {n}"] = n
                assert cache[f"child {child} 7"] == 7
                os._exit(0)
            children.append(pid)
            cache[f"parent {child}"] = child
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 10
        going = False
        for thread in threads: thread.join()
        for who, count in counts.items():
            assert all(cache[f"{who} {n}"] == n for n in range(count)), who
        assert len([key for key in cache if key.startswith("child")]) == 200
        assert len([key for key in cache if key.startswith("parent")]) == 10
        cache.close()
        print("well")
    """)
    assert ended == "well\n"


@pytest.mark.skipif(
    sys.platform != "linux", reason="it takes a fork in C that Python knows nothing of"
)
def test_forks_made_in_c(tmp_path: Path) -> None:
    """A child that was forked in C loses nothing, nor does its parent."""
    ended = Scripts(tmp_path).output("""
        import ctypes, os
        from outlive import Cache
        cache = Cache("x.db")
        cache["before"] = 1
        fork = ctypes.PyDLL(None).fork
        pid = fork()
        if not pid:
            cache["child"] = cache["before"] + 1
            os._exit(0)
        cache["parent"] = 3
        assert os.waitpid(pid, 0)[1] == 0
        cache["after"] = 4
        assert dict(cache) == {"before": 1, "child": 2, "parent": 3, "after": 4} or sorted(
            cache) == ["after", "before", "child", "parent"]
        cache.close()
        print(*sorted(Cache("x.db")))
    """)
    assert ended == "after before child parent\n"


def test_while_another_program_writes(tmp_path: Path) -> None:
    """While another program holds SQLite's lock a put waits, and Ctrl-C is heard."""
    cache = Cache(tmp_path / "x.db")
    cache["a"] = 1
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, time\nc = sqlite3.connect('x.db')\n"
         "c.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\ntime.sleep(0.5)\nc.rollback()"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    cache["b"] = 2
    assert holder.wait() == 0
    assert (cache["a"], cache["b"], len(cache)) == (1, 2, 2)
    cache.close()


@pytest.mark.skipif(sys.platform != "linux", reason="bytes of the lock file are locked on Linux")
@pytest.mark.parametrize("byte", [0, 1, 2 + (1 << 30)], ids=["leaves", "clears up", "writes"])
def test_a_stopped_process_is_given_up(tmp_path: Path, byte: int) -> None:
    """A stopped process is given up after seconds, with a warning."""
    import fcntl

    set_lock = 37  # F_OFD_SETLK
    held = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    with (tmp_path / "c.db.lock").open("w") as lock:
        os.chmod(lock.fileno(), 0o600)
        fcntl.fcntl(lock, set_lock, held)
        # A cache that is given up before the end leaves without a word; without a GIL it is not.
        program = """
        from outlive import Cache
        cache = Cache("c.db")
        print(cache.memoise(lambda: 42)())
        """
        ended = Scripts(tmp_path)(program)
    assert (ended.out, ended.status) == ("42\n", 0)
    assert "another process" in ended.err
    with Cache(tmp_path / "c.db") as cache:
        assert len(cache) == (byte == 0)
