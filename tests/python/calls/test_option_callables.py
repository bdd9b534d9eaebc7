"""Callables that users pass as options: an error in one loses no result."""

from __future__ import annotations

from typing import Any

import pytest

from outlive import Cache, OutliveWarning


def missing(result: Any) -> Any:
    """Raise, like a callable that expects another result."""
    raise KeyError("max_age")


@pytest.mark.parametrize("option", ["ttl", "cache_if"])
@pytest.mark.parametrize("wrong", [missing, lambda: None], ids=["raises", "takes nothing"])
def test_the_result_is_returned_and_the_error_told_once(option: str, wrong: Any) -> None:
    """The call returns what it computed; one warning names the option, the function and the error."""
    calls = []

    @Cache(None).memoise(**{option: wrong})
    def f(x: int) -> list[int]:
        calls.append(x)
        return [x]

    with pytest.warns(
        OutliveWarning, match=rf"{option}= of .*f raised (KeyError|TypeError)"
    ) as told:
        assert [f(1), f(1), f(2)] == [[1], [1], [2]]
    assert len(told) == 1
    assert calls == [1, 1, 2]


def test_a_key_that_raises_is_raised() -> None:
    """Without a key a result cannot be kept: the call raises what ``key=`` raises."""
    f: Any = Cache(None).memoise(key=missing)(lambda x: x)
    with pytest.raises(KeyError, match="max_age"):
        f(1)


def test_interrupts_go_through() -> None:
    """A KeyboardInterrupt in an option's callable is not swallowed."""

    def interrupted(result: Any) -> bool:
        raise KeyboardInterrupt

    f: Any = Cache(None).memoise(cache_if=interrupted)(lambda x: x)
    with pytest.raises(KeyboardInterrupt):
        f(1)


def test_those_who_wait_for_an_exception_are_counted() -> None:
    """Hits and misses add up to the calls, also if an exception reaches several callers."""
    import threading

    begun, release = threading.Event(), threading.Event()

    @Cache(None).memoise
    def f(x: int) -> int:
        begun.set()
        assert release.wait(30)
        raise OSError("down")

    def call() -> None:
        with pytest.raises(OSError, match="down"):
            f(1)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    release.set()
    for thread in threads:
        thread.join(30)
    info = f.cache_info()
    assert info.hits + info.misses == 3
