"""Memoised functions of a script travel to workers that cannot import it."""

from __future__ import annotations

from pathlib import Path

from outlive import Cache
from support.programs import Scripts, run

SCRIPT = """
import asyncio, os, sys
from joblib import Parallel, delayed
from outlive import Cache

cache, memory = Cache("c.json", ttl="1d", maxsize=100), Cache()
FACTOR = 3

@cache.memoise
def square(x): return x * x * FACTOR

@cache.memoise(version=2, ignore=("session",))
def fib(n, session=None): return n if n < 2 else fib(n - 1) + fib(n - 2)

@memory.memoise
def worker(x): return os.getpid()

@cache.memoise
async def later(x): return x + 1

def awaited(function, x): return asyncio.run(function(x))

class Client:
    @cache.memoise(ignore=("self",))
    def ask(self, x): return x * 2

def adder(k):
    @cache.memoise
    def add(x): return x + k
    return add

if __name__ == "__main__":
    pool = Parallel(n_jobs=2)
    print(pool(delayed(square)(x) for x in range(3)))
    print(pool(delayed(fib)(n) for n in range(9)))
    print(os.getpid() in pool(delayed(worker)(x) for x in range(4)))
    print(pool(delayed(awaited)(later, x) for x in range(3)))
    print(pool(delayed(Client().ask)(x) for x in range(3)))
    print(pool(delayed(adder(k))(1) for k in range(3)))
"""


def test_functions_of_a_script_work_in_joblibs_workers(tmp_path: Path) -> None:
    """A function travels with its cache: plain, recursive, async, a method or a closure."""
    assert run(tmp_path, SCRIPT).splitlines() == [
        "[0, 3, 12]",
        "[0, 1, 1, 2, 3, 5, 8, 13, 21]",
        "False",
        "[1, 2, 3]",
        "[0, 2, 4]",
        "[1, 2, 3]",
    ]
    with Cache(tmp_path / "c.json") as kept:
        assert len(kept) == 3 + 9 + 3 + 3 + 3
        assert kept["program.square(x=2)"] == 12


def test_what_the_workers_computed_is_a_hit_in_the_script(tmp_path: Path) -> None:
    """A second run computes nothing, in the script itself or in a worker."""
    run(tmp_path, SCRIPT)
    again = """
        from joblib import Parallel, delayed
        from outlive import Cache
        cache = Cache("c.json", mode="offline")
        @cache.memoise(on_code_change="ignore")
        def square(x): raise AssertionError
        if __name__ == "__main__":
            print([square(x) for x in range(3)], Parallel(n_jobs=2)(delayed(square)(x) for x in range(3)))
    """
    assert run(tmp_path, again) == "[0, 3, 12] [0, 3, 12]\n"


def test_a_function_that_calls_itself_has_the_same_keys_there(tmp_path: Path) -> None:
    """What a recursive closure computed in a worker is a hit where it comes from."""
    program = """
        import cloudpickle, subprocess, sys
        from outlive import Cache
        cache = Cache("c.json")
        def adder(k):
            @cache.memoise
            def add(n): return k if n == 0 else add(n - 1) + 1
            return add
        add = adder(5)
        add(1)
        there = "import cloudpickle, sys; print(cloudpickle.load(sys.stdin.buffer)(4))"
        subprocess.run([sys.executable, "-c", there], input=cloudpickle.dumps(add), check=True)
        print(add(4), len(cache))
    """
    assert run(tmp_path, program) == "9\n9 5\n"


def test_picklers_that_go_by_name_still_do(tmp_path: Path) -> None:
    """Pickle notes the name of a function of the script, and finds the same function again."""
    program = """
        import pickle, multiprocessing
        from outlive import Cache
        cache = Cache("c.json")
        @cache.memoise
        def square(x): return x * x
        if __name__ == "__main__":
            assert pickle.loads(pickle.dumps(square)) is square
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print(pool.map(square, range(3)))
    """
    assert run(tmp_path, program) == "[0, 1, 4]\n"


def test_a_file_of_another_host_is_told(tmp_path: Path) -> None:
    """A worker on another host has a file of its own under the same path, and warns once."""
    program = """
        import warnings, cloudpickle
        from outlive import Cache, _shipping
        cache = Cache("c.json")
        @cache.memoise
        def square(x): return x * x
        sent = cloudpickle.dumps(square)
        _shipping._host = lambda: "elsewhere"
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            print(cloudpickle.loads(sent)(3), cloudpickle.loads(sent)(4))
        said = str(told[0].message)
        print(len(told), "is a file of this host (elsewhere)" in said, 'Cache("redis://' in said)
    """
    assert run(tmp_path, program) == "9 16\n1 True True\n"


def test_a_server_is_that_of_all_hosts(tmp_path: Path) -> None:
    """A function that arrives on another host with a cache on a server has nothing to tell."""
    program = """
        import warnings, cloudpickle
        from outlive import Cache, _shipping
        cache = Cache("redis://127.0.0.1:1/0", name="shop")
        @cache.memoise
        def square(x): return x * x
        sent = cloudpickle.dumps(square)
        _shipping._host = lambda: "elsewhere"
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            print(repr(cloudpickle.loads(sent))[:9], cloudpickle.loads(sent).cache_key(3)[-11:])
        print([str(one.message) for one in told])
    """
    assert run(tmp_path, program).endswith("[]\n")


MANY = """
from joblib import Parallel, delayed
from outlive import Cache

cache = Cache("c.json")

@cache.memoise(each="xs")
def squares(xs):
    return [x * x for x in xs]

@cache.memoise
def counted(n):
    yield from range(n)

def drained(function, n): return list(function(n))

if __name__ == "__main__":
    pool = Parallel(n_jobs=2)
    print(pool(delayed(squares)([x, x + 1]) for x in range(3)))
    print(pool(delayed(drained)(counted, n) for n in range(3)))
    print(squares.cache_contains(3), list(counted(2)), counted.cache_info().misses)
    print(*sorted(pool(delayed(squares.sample(1))([x]) for x in range(2))))
"""


def test_batches_and_streams_of_a_script_work_in_joblibs_workers(script: Scripts) -> None:
    """Functions of many items, generator functions and samples of a script go to workers by value, and what they compute is kept."""
    ended = script(MANY)
    assert ended.status == 0, ended.err
    assert ended.out.splitlines() == [
        "[[0, 1], [1, 4], [4, 9]]",
        "[[], [0], [0, 1]]",
        "True [0, 1] 0",
        "[0] [1]",
    ]
