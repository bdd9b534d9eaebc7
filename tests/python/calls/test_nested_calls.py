"""Nested calls: re-entry, and inner calls under the key of the outer one."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from outlive._drop_in import DropInCache
from support.threads import STUCK, Worker, settle


def test_a_call_that_asks_for_itself_computes(drop_in: DropInCache) -> None:
    """``f(k)`` inside ``f(k)`` does not wait for itself; the outer result is kept."""
    depth = [0]

    @drop_in.memoise
    def f(key: str) -> list[Any]:
        depth[0] += 1
        if depth[0] < 4:
            return ["outer", depth[0], f(key)]
        return ["inner"]

    first = f("k")
    assert first == ["outer", 3, ["inner"]] or first[0] == "outer"
    assert f("k") == first and dict(drop_in) == {"k": first}


def test_recursion_without_end_is_a_recursion_error(drop_in: DropInCache) -> None:
    """A function that calls itself for ever raises RecursionError, as without memoising."""

    @drop_in.memoise
    def same_key(key: str) -> object:
        return same_key(key)

    @drop_in.memoise
    def new_key(number: int) -> object:
        return new_key(number + 1)

    cases: list[tuple[Any, Any]] = [(same_key, "k"), (new_key, 0)]
    for function, key in cases:
        with pytest.raises(RecursionError):
            function(key)
    worker = Worker(new_key, 0)
    assert isinstance(worker.finish(), RecursionError)
    assert len(drop_in) == 0


def octohatrack_like(drop_in: DropInCache, calls: list[str], fail: bool = False) -> Any:
    """Two functions under one key, one calling the other twice, as octohatrack's helpers do."""

    @drop_in.memoise
    def get_data(uri: str) -> dict[str, Any]:
        calls.append("data")
        return {"name": "x", "list": []}

    @drop_in.memoise
    def get_user(uri: str) -> list[Any]:
        calls.append("user")
        first = get_data(uri)
        first["list"].append("mine")
        second = get_data(uri)
        if fail:
            raise ValueError("cut off")
        return [second["name"], second["list"], first["list"]]

    return get_user


def test_inner_calls_under_one_key_compute_once(drop_in: DropInCache) -> None:
    """Inner calls under the outer call's key see each other's value, as copies; the outer is kept."""
    calls: list[str] = []
    get_user = octohatrack_like(drop_in, calls)
    assert get_user("u") == ["x", [], ["mine"]]
    assert calls == ["user", "data"]
    assert dict(drop_in) == {"u": ["x", [], ["mine"]]} and get_user("u") == drop_in["u"]


def test_nothing_is_kept_if_the_outer_call_raises(drop_in: DropInCache) -> None:
    """An inner value never stays under the key of an outer call that failed."""
    calls: list[str] = []
    get_user = octohatrack_like(drop_in, calls, fail=True)
    for _ in range(2):
        with pytest.raises(ValueError, match="cut off"):
            get_user("u")
    assert calls == ["user", "data"] * 2
    drop_in.save()
    assert len(drop_in) == 0


def test_a_run_cut_off_in_a_nested_call_leaves_no_inner_value(script: Any) -> None:
    """A process killed between the inner and the outer call leaves nothing under their key."""
    program = """
    import os, sys
    from outlive import memoise, cache
    get_data = memoise(lambda uri: {"name": uri})

    @memoise
    def get_user(uri):
        name = get_data(uri)["name"]
        if sys.argv[1] == "cut":
            os._exit(5)
        return name

    print(get_user("u"), dict(cache))
    """
    assert script(program, "cut").status == 5
    assert script.output(program, "whole") == "u {'u': 'u'}\n"


@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")  # one gets the other's result
def test_other_threads_never_see_an_inner_value(drop_in: DropInCache) -> None:
    """Another caller of the outer function waits for it; one of the inner function computes."""
    inner_done, release = threading.Event(), threading.Event()
    inner = drop_in.memoise(lambda key: "inner")

    @drop_in.memoise
    def outer(key: str) -> str:
        assert inner(key) == "inner"
        inner_done.set()
        assert release.wait(STUCK)
        return "outer"

    leader = Worker(outer, "k")
    assert inner_done.wait(STUCK)
    assert "k" not in drop_in
    assert Worker(inner, "k").result() == "inner"
    waiter = Worker(outer, "k")
    settle()
    assert waiter.is_alive()
    release.set()
    assert [leader.result(), waiter.result(), drop_in["k"]] == ["outer"] * 3


def test_inner_value_that_cannot_be_stored(drop_in: Any) -> None:
    """Inner calls share an unstorable value, too, as the very object."""
    inner = drop_in.memoise(lambda key: object(), on_unstorable="ignore", copy=False)
    outer = drop_in.memoise(lambda key: inner(key) is inner(key))
    assert outer("k") is True


def test_inner_exception_is_the_outers_to_handle(drop_in: DropInCache) -> None:
    """An inner call under the outer key that raises computes again when asked again."""
    calls = []

    @drop_in.memoise
    def inner(key: str) -> str:
        calls.append(key)
        if len(calls) == 1:
            raise ValueError(key)
        return "inner"

    @drop_in.memoise
    def outer(key: str) -> str:
        with pytest.raises(ValueError, match="k"):
            inner(key)
        return inner(key) + " and outer"

    assert outer("k") == "inner and outer" and drop_in["k"] == "inner and outer"


def test_other_keys_inside_a_call_are_kept(drop_in: DropInCache) -> None:
    """Calls under other keys are stored at once, also if the outer call fails later."""
    inner = drop_in.memoise(lambda key: ["inner"])

    @drop_in.memoise
    def outer(key: str) -> None:
        inner("other")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any text
        outer("k")
    assert dict(drop_in) == {"other": ["inner"]}


def test_fibonacci(drop_in: DropInCache) -> None:
    """A recursive function computes each number once, 300 levels deep."""
    calls = []

    @drop_in.memoise
    def fib(n: int) -> int:
        calls.append(n)
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    one, other = 0, 1
    for _ in range(300):
        one, other = other, one + other
    assert fib(300) == one
    assert len(calls) == 301
