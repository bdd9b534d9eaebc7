"""``async def`` functions: the face, hits, single flight, and the options of sync functions."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import pickle
import sys
import warnings
import weakref
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlive
from outlive import Cache
from support.files import results

SHARED = Cache()


@SHARED.memoise
async def at_home(x: int, *, y: str = "y") -> list[object]:
    """Say where it was asked."""
    await asyncio.sleep(0)
    return [x, y]


def without_loop(call: Coroutine[Any, Any, Any]) -> Any:
    """Run a call that must not suspend."""
    with pytest.raises(StopIteration) as stopped:
        call.send(None)
    return stopped.value.value


class Counter:
    """An async function that counts its calls, and what it is made of."""

    def __init__(self, cache: Cache | None = None, **options: Any) -> None:
        self.calls: list[Any] = []
        self.results: Any = None
        self.now = 1_000_000.0
        cache = Cache(clock=lambda: self.now) if cache is None else cache

        @cache.memoise(name="counted", **options)
        async def counted(x: Any) -> Any:
            self.calls.append(x)
            await asyncio.sleep(0)
            result = [x, len(self.calls)] if self.results is None else self.results(x)
            if isinstance(result, BaseException):
                raise result
            return result

        self.function = counted

    def __call__(self, x: Any) -> Any:
        async def ask() -> Any:
            return await self.function(x)

        return asyncio.run(ask())


def test_looks_like_the_function() -> None:
    """A memoised async function is a coroutine function with the name, text and signature of its own."""
    assert inspect.iscoroutinefunction(at_home)
    if sys.version_info < (3, 14):
        assert asyncio.iscoroutinefunction(at_home)
    assert str(inspect.signature(at_home)) == "(x: 'int', *, y: 'str' = 'y') -> 'list[object]'"
    assert (at_home.__name__, at_home.__doc__) == ("at_home", "Say where it was asked.")
    assert inspect.iscoroutinefunction(at_home.__wrapped__)


def test_pickles_and_copies_by_reference() -> None:
    """A memoised async function pickles and copies as the name under which it is imported."""
    assert pickle.loads(pickle.dumps(at_home)) is at_home
    assert copy.copy(at_home) is copy.deepcopy(at_home) is at_home


def test_is_collected_with_its_cache() -> None:
    """Nothing keeps a memoised async function alive that nobody can reach any more."""
    counter = Counter()
    counter(1)
    gone = weakref.ref(counter.function)
    del counter
    gc.collect()
    assert gone() is None


def test_every_form_of_the_decorator() -> None:
    """Async functions are recognised behind options, partials, classmethods and staticmethods."""
    cache = Cache()

    class Api:
        @cache.memoise(ignore=("self",))
        async def method(self, x: int) -> list[int]:
            return [x, 1]

        @cache.memoise
        @staticmethod
        async def static(x: int) -> list[int]:
            return [x, 2]

        @classmethod
        @cache.memoise(ignore=("cls",))
        async def of_class(cls, x: int) -> list[int]:
            return [x, 3]

    async def plain(x: int, y: int) -> list[int]:
        return [x, y]

    forms = [Api().method, Api.static, Api.of_class, cache.memoise(functools.partial(plain, y=4))]
    for number, function in enumerate(forms, 1):
        assert inspect.iscoroutinefunction(function)
        assert asyncio.run(function(7)) == [7, number]
        assert without_loop(function(7)) == [7, number]


def test_objects_with_async_call() -> None:
    """An object whose ``__call__`` is async is memoised like an async function."""

    class Ask:
        async def __call__(self, x: int) -> list[int]:
            return [x]

    ask = Cache().memoise(name="ask")(Ask())
    assert asyncio.run(ask(1)) == without_loop(ask(1)) == [1]


def test_a_hit_does_not_suspend() -> None:
    """A hit ends without an event loop, and is a fresh copy each time."""
    counter = Counter()
    first = counter(1)
    hits = [without_loop(counter.function(1)) for _ in range(4)]
    assert hits == [first] * 4
    assert len({id(value) for value in [first, *hits]}) == 5
    assert counter.function.cache_info()[:2] == (4, 1)


def test_hundreds_of_tasks_compute_once() -> None:
    """Any number of tasks that ask for a key at once make one call, and each gets its own copy."""
    counter = Counter()

    async def main() -> list[Any]:
        return await asyncio.gather(*(counter.function(n % 3) for n in range(900)))

    values = asyncio.run(main())
    assert sorted(counter.calls) == [0, 1, 2]
    assert [value[0] for value in values] == [n % 3 for n in range(900)]
    assert len({id(value) for value in values}) == 900
    assert counter.function.cache_info()[:2] == (897, 3)


def test_an_exception_reaches_those_who_wait() -> None:
    """All callers that wait get the very same exception; the next call computes again."""
    counter = Counter()
    counter.results = lambda x: ValueError(x)

    async def main() -> list[Any]:
        calls = (counter.function(1) for _ in range(50))
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = asyncio.run(main())
    assert len({id(error) for error in errors}) == 1
    assert isinstance(errors[0], ValueError)
    counter.results = None
    assert counter(1) == [1, 2]


def test_attributes_of_a_memoised_function() -> None:
    """Single calls are looked at, put, forgotten and computed again as for a sync function."""
    counter = Counter()
    function = counter.function
    assert function.peek(1) is None
    function.put(["given"], 1)
    assert function.cache_contains(1)
    assert function.peek(1) == counter(1) == ["given"]
    assert asyncio.run(function.refresh(1)) == counter(1) == [1, 1]
    assert inspect.iscoroutinefunction(function.refresh)
    assert function.cache_key(1) == "counted(x=1)"
    assert function.forget(1)
    assert not function.cache_contains(1)
    function.cache_clear()
    assert function.cache_info() == (0, 0, None, 0)
    assert function.cache_parameters()["name"] == "counted"


def test_on_disk_before_the_awaiter_has_it(tmp_path: Path) -> None:
    """When ``await`` returns, another cache on the file finds the result."""
    path = tmp_path / "c.json"
    counter = Counter(Cache(path))

    async def main() -> bool:
        await counter.function("ä")
        return any("ä" in file.read_text("utf-8", "replace") for file in tmp_path.iterdir())

    assert asyncio.run(main())


def test_results_outlive_the_process(tmp_path: Path) -> None:
    """A later cache on the same file answers without a call, and the file is plain JSON."""
    path = tmp_path / "c.json"
    with Cache(path) as cache:
        Counter(cache)("x")
    assert results(path) == {'counted(x="x")': ["x", 1]}


def test_modes() -> None:
    """Modes hold for async functions, and for the task in which they are set."""
    cache = Cache()
    counter = Counter(cache)

    async def within(mode: Any, x: int) -> Any:
        with cache.mode(mode):
            return await counter.function(x)

    async def main() -> Any:
        return await asyncio.gather(within("off", 1), within("off", 1), counter.function(1))

    assert len(asyncio.run(main())) == len(counter.calls) == 3
    assert asyncio.run(within("offline", 1)) == counter(1)
    with pytest.raises(outlive.CacheMiss, match="counted"):
        asyncio.run(within("offline", 2))
    assert asyncio.run(within("refresh", 1)) == [1, 4] == counter(1)
    assert asyncio.run(within("readonly", 5)) == [5, 5] == counter(5)


def test_expiry_and_stale_results() -> None:
    """An expired result is computed again, or served once more if that fails."""
    counter = Counter(ttl=10, stale_if_error=100)
    assert counter(1) == [1, 1]
    counter.now += 11
    assert counter(1) == [1, 2]
    counter.now += 11
    counter.results = lambda x: OSError(x)
    assert counter(1) == [1, 2]
    counter.now += 200
    with pytest.raises(OSError, match="1"):
        counter(1)
    assert counter.function.cache_info().expired == 3


def test_refresh_after() -> None:
    """An ageing result is served at once, while one background task computes it again."""
    counter = Counter(refresh_after=10, ttl=100)
    counter(1)
    counter.now += 11

    async def main() -> list[Any]:
        old = await asyncio.gather(*(counter.function(1) for _ in range(20)))
        while counter.function.peek(1) == [1, 1]:
            await asyncio.sleep(0)
        return [*old, await counter.function(1)]

    assert asyncio.run(main()) == [[1, 1]] * 20 + [[1, 2]]
    assert counter.calls == [1, 1]


def test_no_refresh_offline() -> None:
    """In mode "offline" an ageing result is served, and nothing is computed in the background."""
    cache = Cache(clock=lambda: counter.now)
    counter = Counter(cache, refresh_after=10)
    counter(1)
    counter.now += 11

    async def main() -> int:
        with cache.mode("offline"):
            assert await counter.function(1) == [1, 1]
            return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


def test_refresh_after_an_aborted_refresh() -> None:
    """What a background task that died with its loop did not compute, the next call does."""
    counter = Counter(refresh_after=10)
    counter(1)
    counter.now += 11
    assert counter(1) == [1, 1]  # asyncio.run cancels the task before it is done
    assert counter(1)[1] > 1
    asked = len(counter.calls)
    assert counter(1)[1] == asked
    assert len(counter.calls) == asked


def test_conditions() -> None:
    """``cache_if`` and ``cache_errors`` decide what is kept, as for sync functions."""
    picky = Counter(cache_if=lambda result: result[1] > 1)
    assert [picky(1), picky(1), picky(1)] == [[1, 1], [1, 2], [1, 2]]
    failing = Counter(cache_errors={KeyError: "1m"})
    failing.results = lambda x: KeyError(x)
    for _ in range(3):
        with pytest.raises(KeyError):
            failing(1)
    assert failing.calls == [1]


def test_shared_results() -> None:
    """With ``copy=False`` all awaiters get one object."""
    counter = Counter(copy=False)

    async def main() -> set[int]:
        return {id(value) for value in await asyncio.gather(*map(counter.function, [1] * 9))}

    assert len(asyncio.run(main())) == 1


def test_unstorable_results() -> None:
    """A result that the file cannot hold is kept in this process, with one warning."""
    counter = Counter()
    counter.results = lambda x: {"it": Decimal}
    with pytest.warns(outlive.UnstorableWarning, match=r"counted.*result\['it'\]") as told:
        assert counter(1) == counter(1) == {"it": Decimal}
    assert len(told) == 1
    assert Path(told[0].filename).name == Path(__file__).name


def test_wrong_arguments() -> None:
    """A call that the function would refuse is refused with Python's own error."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        asyncio.run(at_home(1, z=2))  # type: ignore[call-arg, unused-ignore]


def test_arguments_without_a_key() -> None:
    """An argument that has no key is a TypeError that names it."""
    with pytest.raises(TypeError, match=r"at_home.*x"):
        asyncio.run(at_home(object()))  # type: ignore[arg-type, unused-ignore]


def test_no_warnings() -> None:
    """A call that is never awaited warns like any coroutine; there is no other warning."""
    counter = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counter(1)

    def forget() -> None:
        call = counter.function(1)
        assert inspect.iscoroutine(call)

    with pytest.warns(RuntimeWarning, match="counted' was never awaited"):
        forget()
