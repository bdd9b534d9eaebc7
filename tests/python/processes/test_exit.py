"""Shutdown: handlers at exit, daemon threads, finalizers, the garbage collector."""

from __future__ import annotations

import pytest

from support.programs import Scripts


def test_calls_from_atexit_handlers_are_kept(script: Scripts) -> None:
    """Handlers registered before or after the import may call; their results are in the file."""
    program = """
    import atexit
    atexit.register(lambda: print(f("last")))
    from outlive import memoise, cache
    atexit.register(lambda: print(f("first")))
    f = memoise(lambda key: print("computed", key) or [key])
    f("main")
    """
    computed = "computed main\ncomputed first\n['first']\ncomputed last\n['last']\n"
    assert script.output(program) == computed
    assert script.files == ["cache_file.json"]
    assert script.output(program) == "['first']\n['last']\n"
    assert script.output("from outlive import cache; print(len(cache))") == "3\n"


@pytest.mark.parametrize("attempt", range(4))
def test_daemon_threads_at_exit(script: Scripts, attempt: int) -> None:
    """Daemon threads inside calls, hits and waits neither hang nor crash the end of a program."""
    program = """
    import sys, threading, time
    from outlive import memoise
    sys.setswitchinterval(1e-5)

    @memoise
    def busy(n):
        return [sum(range(50)), n]

    @memoise
    def slow(key):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.0001)

    def work(start):
        for n in range(start, 10**9):
            busy(n % 1000)
            busy(n % 7)

    targets = [(work, 0), (work, 500), (slow, "k"), (slow, "k"), (slow, "other")]
    for target, argument in targets:
        threading.Thread(target=target, args=(argument,), daemon=True).start()
    time.sleep(0.1)
    print("end")
    """
    ended = script(program)
    assert (ended.out, ended.err, ended.status) == ("end\n", "", 0)
    found = script.output(
        "from outlive import cache; print(all(v[0] == 1225 for v in cache.values()), len(cache) > 0)"
    )
    assert found == "True True\n"


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 5, 8, 13, 21])
def test_daemon_threads_in_their_first_calls_at_exit(script: Scripts, milliseconds: int) -> None:
    """Wherever the end of a program meets a thread's first calls, the program ends as it should."""
    program = """
    import sys, threading, time
    from outlive import Cache
    sys.setswitchinterval(1e-5)
    f = Cache("c.json").memoise(lambda n: [n], name="f")

    def work(start):
        for n in range(start, 10**9):
            f(n), f(n)

    for start in (0, 10**6):
        threading.Thread(target=work, args=(start,), daemon=True).start()
    time.sleep(int(sys.argv[1]) / 1000)
    """
    ended = script(program, str(milliseconds))
    assert (ended.out, ended.err, ended.status) == ("", "", 0)


def test_threads_that_are_no_daemons_finish_their_calls(script: Scripts) -> None:
    """A program waits for its threads, and keeps their results of after the main thread."""
    program = """
    import threading, time
    from outlive import memoise
    f = memoise(lambda key: time.sleep(0.2) or [key])
    threading.Thread(target=f, args=("late",)).start()
    """
    script.output(program)
    assert script.output("from outlive import cache; print(dict(cache))") == "{'late': ['late']}\n"


def test_calls_from_finalizers(script: Scripts) -> None:
    """``__del__`` methods may call memoised functions, also while a result is being dropped."""
    program = """
    import warnings
    from outlive import memoise, cache
    warnings.simplefilter("ignore")

    f = memoise(lambda key: [key])

    class Calls:
        def __init__(self, key):
            self.key = key
        def __del__(self):
            f(self.key)
            f("shared")

    g = memoise(lambda key: Calls(f"deleted {key}"), on_unstorable="ignore", copy=False)
    for n in range(50):
        g(f"object {n}")
        g(f"object {n}")
    for n in range(0, 50, 2):
        del cache[f"object {n}"]
    for n in range(1, 50, 2):
        cache[f"object {n}"] = "replaced"
    g(0), f("other")
    print(sum(key.startswith("deleted") for key in cache))
    g("to be cleared")
    g("to be cleared")
    cache.clear()
    g("one")
    f("another")
    print(sorted(map(str, cache)))
    """
    expected = "50\n['another', 'deleted 0', 'deleted to be cleared', 'one', 'shared']\n"
    assert script.output(program) == expected


def test_calls_from_the_garbage_collector(script: Scripts) -> None:
    """A collection that starts anywhere in the cache's work may call it back from a callback."""
    program = """
    import gc
    from outlive import memoise, cache
    f = memoise(lambda key: {"key": [key, {key: (key, [])}]})
    inside = []

    def callback(phase, info):
        if not inside:
            inside.append(1)
            f("from gc")
            f.peek("k")
            "k" in cache
            f.forget("from gc")
            inside.pop()

    class Knot:
        def __init__(self):
            self.me = self
        def __del__(self):
            f("from a knot")

    gc.callbacks.append(callback)
    gc.set_threshold(5, 2, 2)
    for n in range(300):
        Knot()
        f(str(n % 60))
        f(str(n % 60))["key"].append(1)
        dict(list(cache.items())[:3])
    gc.callbacks.clear()
    print(f("5"), len(cache) >= 60)
    """
    assert script.output(program) == "{'key': ['5', {'5': ('5', [])}]} True\n"


def test_a_subinterpreter_or_reload_does_no_harm(script: Scripts) -> None:
    """Reloading the package's modules keeps the one cache of the file: nothing is lost."""
    program = """
    import importlib, outlive, outlive._drop_in
    from outlive import memoise
    memoise(lambda key: key)("before")
    importlib.reload(outlive._drop_in)
    importlib.reload(outlive)
    from outlive import memoise, cache
    memoise(lambda key: key)("after")
    print(sorted(cache))
    """
    assert script.output(program) == "['after', 'before']\n"
    assert script.output("from outlive import cache; print(len(cache))") == "2\n"


def test_without_main_module_state(script: Scripts) -> None:
    """``python -c``-like programs whose module is emptied at exit end silently."""
    program = """
    import sys
    from outlive import memoise
    f = memoise(lambda key: [key])
    f("k")
    class Late:
        def __del__(self):
            try:
                f("late")
            except Exception:
                pass
    keep = Late()
    sys.modules["keep"] = keep
    """
    ended = script(program)
    assert (ended.out, ended.err, ended.status) == ("", "", 0)
    assert "k" in script.output("from outlive import cache; print(list(cache))")
