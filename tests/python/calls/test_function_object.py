"""The decorated function as an object: all that ``functools.lru_cache`` has, and no leaks."""

from __future__ import annotations

import copy
import doctest
import functools
import gc
import inspect
import pickle
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.programs import Scripts

memory = DropInCache(None)


def own() -> Any:
    """A cache in memory; untyped, because these tests also use it as types forbid."""
    return Cache(None)


@memory.memoise
def documented(key: str, *, times: int = 2) -> str:
    """Repeat a text.

    >>> documented("ab")
    'abab'
    """
    return key * times


class Holder:
    """Methods of every kind."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __memo_key__(self) -> str:
        return self.name

    @memory.memoise(key="all")
    def method(self, x: int) -> list[Any]:
        """Return what it was called with."""
        return [self.name, x]

    @classmethod
    @memory.memoise(key="all")
    def on_class(cls, x: int) -> list[Any]:
        """Return what it was called with."""
        return [cls.__name__, x]

    @memory.memoise
    @staticmethod
    def on_nothing(x: str) -> list[Any]:
        """Return what it was called with."""
        return ["static", x]

    @property
    @memory.memoise(key="all")
    def value(self) -> list[Any]:
        """Return something computed."""
        return ["value of", self.name]


def test_wraps_attributes() -> None:
    """Name, module, docstring, annotations and own attributes are the function's."""

    def f(x: int) -> int:
        """Documented."""
        return x

    f.own = [1]  # type: ignore[attr-defined]
    memoised: Any = memory.memoise(f)
    for name in functools.WRAPPER_ASSIGNMENTS:
        assert getattr(memoised, name, None) == getattr(f, name, None), name
    assert memoised.__wrapped__ is f and memoised.own is f.own
    memoised.added = 1
    assert memoised.added == 1
    del memoised.added
    assert not hasattr(memoised, "added")
    assert "documented" in repr(documented)


def test_signature_is_the_functions() -> None:
    """``inspect.signature`` and ``inspect.unwrap`` see the function itself."""
    assert str(inspect.signature(documented)) == "(key: 'str', *, times: 'int' = 2) -> 'str'"
    assert inspect.unwrap(documented).__name__ == "documented"
    assert callable(documented)
    assert list(inspect.signature(Holder("a").method).parameters) == ["x"]


def test_doctest_finds_the_examples() -> None:
    """Doctest runs the examples in a memoised function's docstring."""
    tests = doctest.DocTestFinder().find(sys.modules[__name__], __name__)
    found = {test.name: len(test.examples) for test in tests if test.examples}
    assert found == {f"{__name__}.documented": 1}
    assert doctest.testmod(sys.modules[__name__]).failed == 0


def test_cache_info_and_cache_parameters(drop_in: DropInCache) -> None:
    """``cache_info()`` counts like lru_cache's; ``cache_parameters()`` has the options."""
    f = drop_in.memoise(lambda key: key)
    assert tuple(f.cache_info())[:4] == (0, 0, None, 0)
    f(1), f(1), f(2)
    info = f.cache_info()
    assert (info.hits, info.misses, info.maxsize, info.currsize) == (1, 2, None, 2)
    assert f.cache_parameters()["maxsize"] is None and f.cache_parameters()["typed"] is True
    f.cache_clear()
    assert tuple(f.cache_info())[:4] == (0, 0, None, 0)
    bounded = drop_in.memoise(maxsize=3)(lambda key: key)
    assert bounded.cache_parameters()["maxsize"] == 3 == bounded.cache_info().maxsize


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_by_reference(protocol: int) -> None:
    """A module's function pickles as its name, and comes back as the same object."""
    for function in (documented, Holder.method, Holder.on_class):
        if isinstance(function, types.MethodType) and protocol < 2:
            continue
        assert pickle.loads(pickle.dumps(function, protocol)) == function
    assert pickle.loads(pickle.dumps(documented, protocol)) is documented


def test_copies_are_the_function_itself() -> None:
    """``copy`` and ``deepcopy`` return the same object, also inside containers."""
    assert copy.copy(documented) is documented is copy.deepcopy(documented)
    assert copy.deepcopy([documented])[0] is documented


def test_weak_references(drop_in: DropInCache) -> None:
    """A memoised function can be weakly referenced, and is freed when nothing holds it."""

    def make() -> Callable[[int], int]:
        return drop_in.memoise(lambda key: key)

    function = make()
    reference = weakref.ref(function)
    assert reference() is function
    function(1)
    del function
    gc.collect()
    assert reference() is None


def test_methods_bind() -> None:
    """Methods, class methods, static methods and properties work as on a plain class."""
    one, other = Holder("one"), Holder("other")
    for _ in range(2):
        assert one.method(1) == ["one", 1] and other.method(1) == ["other", 1]
        assert one.method(x=1) == ["one", 1] == Holder.method(one, 1)
        assert Holder.on_class(1) == one.on_class(1) == ["Holder", 1]
        assert Holder.on_nothing("a") == one.on_nothing("a") == ["static", "a"]
        assert one.value == ["value of", "one"] and other.value == ["value of", "other"]
    bound = one.method
    assert isinstance(bound, types.MethodType) and bound.__self__ is one
    assert bound.__func__ is Holder.method and bound == one.method
    assert getattr(Holder, "method") is Holder.method  # noqa: B009
    assert bound.__doc__ == "Return what it was called with."


def test_subclasses_and_super() -> None:
    """A memoised method is inherited, overridden and reached through ``super()``."""

    class Sub(Holder):
        def method(self, x: int) -> list[Any]:  # type: ignore[override] # the other is Memoised
            return ["sub", *super().method(x)]

    assert Sub("name").method(3) == ["sub", "name", 3] == Sub("name").method(3)
    assert Sub.on_class(1) == ["Sub", 1] and Holder.on_class(1) == ["Holder", 1]


def test_instances_are_not_kept_alive() -> None:
    """Neither a call nor a hit on a method holds its instance."""
    holder = Holder("short-lived")
    reference = weakref.ref(holder)
    holder.method(1), holder.method(1), holder.method(x=1), holder.value
    del holder
    assert reference() is None


def test_decorated_builtins_and_partials() -> None:
    """Functions written in C, partials, bound methods and callable objects can be memoised."""

    class Call:
        def __call__(self, x: str) -> str:
            return x.upper()

    keep = own().memoise
    assert keep(len)((1, 2, 3)) == 3
    assert keep(functools.partial(int, base=2))("11") == 3
    assert keep(Call(), name="Call")("a") == "A"
    assert keep(str.upper)("b") == "B"
    assert keep("a,b".split)(",") == ["a", "b"]


def test_lru_cache_stays_usable_around_it(drop_in: DropInCache) -> None:
    """``functools.lru_cache`` and other decorators can stand above or below."""
    calls = []

    @functools.lru_cache
    @drop_in.memoise
    @functools.lru_cache
    def f(x: int) -> int:
        calls.append(x)
        return x

    inner: Any = f.__wrapped__
    assert [f(1), f(1), inner(1), inner.__wrapped__(1), calls] == [1, 1, 1, 1, [1]]


def test_keyword_arguments_in_any_order(drop_in: DropInCache) -> None:
    """Unlike with lru_cache, the order of keywords makes no second entry."""
    f = own().memoise(lambda **named: sorted(named.items()))
    assert f(a=1, b=2) == f(b=2, a=1) == [("a", 1), ("b", 2)]
    assert f.cache_info().misses == 1


def test_types_of_arguments_are_told_apart() -> None:
    """Like ``lru_cache(typed=True)``: 1, 1.0 and True are different calls, nested ones too."""
    f = own().memoise(lambda x, y=None: repr((x, y)))
    for arguments in ((1,), (1.0,), (True,), ((1,),), ((1.0,),), (1, 1), (1, 1.0), (1, True)):
        assert f(*arguments) == repr((*arguments, None)[:2]) == f(*arguments)


def test_many_threads_first_hit() -> None:
    """The first calls of a fresh function by many threads at once give right results and counts."""
    for _ in range(20):
        f = own().memoise(lambda key: [key])
        barrier = threading.Barrier(8)
        found: list[Any] = []

        def work(number: int, f: Any = f, barrier: Any = barrier, found: Any = found) -> None:
            barrier.wait()
            found.extend(f(key) == [key] for key in range(20))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 160 and f.cache_info().misses == 20


def test_functions_travel_to_workers(script: Scripts) -> None:
    """A process pool gets the function by name, and its results land in the one file."""
    program = """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from outlive import memoise

    @memoise
    def square(n):
        return n * n

    if __name__ == "__main__":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            print(list(pool.map(square, range(10))))
        print(square(3))
    """
    assert script.output(program) == f"{[n * n for n in range(10)]}\n9\n"
    assert script.output("from outlive import cache; print(len(cache))") == "10\n"


def test_debugger_and_profiler_see_the_function(drop_in: DropInCache) -> None:
    """Trace and profile functions may be on, and may themselves call memoised functions."""
    f = drop_in.memoise(lambda key: [key])
    seen: list[Any] = []

    def profile(frame: types.FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is f.__wrapped__.__code__:
            seen.append(f("inside") if not seen else None)

    sys.setprofile(profile)
    try:
        assert f("k") == ["k"] == f("k")
    finally:
        sys.setprofile(None)
    assert seen[0] == ["inside"]
