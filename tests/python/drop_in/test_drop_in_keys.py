"""Keys of the drop-in: the first argument, and no two values share one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import outlive
from outlive import KeyCollisionWarning, _core
from outlive._drop_in import DropInCache
from support.programs import Scripts
from support.sameness import same

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.dates()
    | st.decimals(allow_nan=False)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.frozensets(leaves, max_size=3)
    ),
    max_leaves=6,
)
#: Strings that look like the texts of other values, or like the file's own member.
lookalikes = values.map(lambda value: key_text(value)) | st.just("outlive:meta")


def key_text(value: Any) -> str:
    """The key of a call with ``value``."""
    return _one_argument.cache_key(value)


def _function(x: object) -> object:
    return x


_one_argument = DropInCache(None).memoise(_function)


@given(values | lookalikes, values | lookalikes)
def test_two_values_never_share_a_key(one: Any, other: Any) -> None:
    """Keys are equal exactly if the values are, in value and type, whatever the strings hold."""
    ordered = [json.dumps(v, default=repr, sort_keys=True) for v in (one, other)]
    alike = same(one, other) or (ordered[0] == ordered[1] and same_unordered(one, other))
    assert (key_text(one) == key_text(other)) == alike


def same_unordered(one: Any, other: Any) -> bool:
    """Whether two values are the same but for the order of dicts."""
    if type(one) is type(other) is dict:
        return one.keys() == other.keys() and all(same_unordered(one[k], other[k]) for k in one)
    if type(one) is type(other) and type(one) in (list, tuple):
        return len(one) == len(other) and all(map(same_unordered, one, other))
    return same(one, other)


@given(st.text(st.characters(exclude_categories=())))
def test_a_string_is_its_own_key(text: str) -> None:
    """A text is its own key, as in the original's file, unless it begins like outlive's own."""
    if text.startswith("outlive:"):
        assert key_text(text) != text
    else:
        assert key_text(text) == text


FIVE = [1, 1.0, True, None, "1"]


def test_look_alikes_are_told_apart_also_after_a_restart(script: Scripts) -> None:
    """1, 1.0, True, None and "1" are five keys, in this process and the next."""
    program = f"""
    from outlive import memoise, cache
    @memoise
    def f(x): print("computed"); return repr(x)
    print([f(x) for x in {FIVE!r} * 2], len(cache))
    """
    first = script.output(program)
    assert first.count("computed") == 5
    assert script.output(program) == first.replace("computed\n", "")


def test_zeros_are_two_keys(drop_in: Any) -> None:
    """0.0 and -0.0 are equal to Python, and yet two keys; so they are on a second hit."""
    f = drop_in.memoise(repr, name="repr")
    assert [f(x) for x in (0.0, -0.0, 0, 0.0, -0.0, 0)] == ["0.0", "-0.0", "0"] * 2


def test_the_files_own_member_is_no_ones_key(script: Scripts) -> None:
    """The reserved key may be an argument like any text: it neither breaks nor shows the file's."""
    program = """
    from outlive import memoise, cache
    f = memoise(ttl="1d")(lambda key: [key])
    for text in ("outlive:meta", "outlive:", "outlive:(1)", "x"):
        assert f(text) == f(text) == [text], text
    assert f(1) == [1]
    print(len(cache))
    """
    assert script.output(program) == script.output(program) == "5\n"


def test_first_parameter_may_be_given_by_name(drop_in: DropInCache) -> None:
    """``f(uri="a")`` and ``f("a")`` are one entry; so is a call that relies on the default."""
    calls = []

    @drop_in.memoise
    def f(uri: str = "a", page: int = 1) -> str:
        calls.append(uri)
        return uri

    assert [f("a"), f(uri="a"), f(), f(page=1), f("a", 1), f(page=1, uri="a")] == ["a"] * 6
    assert calls == ["a"]
    assert f.cache_key("a") == f.cache_key(uri="a") == f.cache_key() == "a"


def test_function_without_parameters_is_one_entry(drop_in: DropInCache) -> None:
    """A function that takes nothing has one entry of its own, apart from all other functions'."""
    calls = []

    @drop_in.memoise
    def first() -> str:
        calls.append("first")
        return "first"

    @drop_in.memoise
    def second(*rest: object, **named: object) -> str:
        calls.append("second")
        return "second"

    assert [first(), second(), first(), second()] == ["first", "second"] * 2
    assert calls == ["first", "second"]


def test_arguments_that_do_not_fit_raise_the_functions_own_error(drop_in: DropInCache) -> None:
    """A call with wrong arguments raises the function's own error, and keeps nothing."""

    def f(x: int, *, y: int = 1) -> int:
        return x

    memoised = drop_in.memoise(f)
    for arguments, named in [((), {}), ((), {"z": 1}), ((1,), {"x": 1}), ((1, 2), {})]:
        with pytest.raises(TypeError) as expected:
            f(*arguments, **named)
        for _ in range(2):
            with pytest.raises(TypeError) as found:
                memoised(*arguments, **named)
            assert str(found.value) == str(expected.value)
    assert len(drop_in) == 0


class Colour(Enum):
    """Something that has a name."""

    RED = "r"


class Text(str):
    """A str that may carry more than its text."""

    __slots__ = ()


@pytest.mark.parametrize(
    "argument",
    [
        (1, "a"),
        [1, [2]],
        {"b": 1, "a": 2},
        {1, 2},
        frozenset({"x"}),
        b"\x00\xff",
        10**5000,
        Decimal("1.0"),
        dt.datetime(2020, 1, 1, fold=1),
        Colour.RED,
        PurePosixPath,
        float("nan"),
        "\ud83d",
        "\ud83d\ude00",
        "😀",
        "nul\0",
        "",
    ],
    ids=lambda argument: type(argument).__name__,
)
def test_every_argument_with_a_text_is_cached(drop_in: DropInCache, argument: Any) -> None:
    """Arguments of all common types are computed once, hashable or not."""
    calls = []

    @drop_in.memoise
    def f(x: object) -> str:
        calls.append(x)
        return "result"

    assert [f(argument), f(argument), len(calls)] == ["result", "result", 1]
    assert f.cache_key(argument) in drop_in
    assert drop_in[f.cache_key(argument)] == "result"


def test_argument_is_looked_up_as_the_call_does(drop_in: Any) -> None:
    """``cache[1]`` is the entry of ``f(1)``: the original's dict had the argument as its key."""
    f = drop_in.memoise(lambda x: ["result"])
    f(1)
    f(("a",))
    assert 1 in drop_in and drop_in[1] == ["result"] == drop_in[("a",)]
    assert 1.0 not in drop_in and "1" not in drop_in and object() not in drop_in
    del drop_in[1]
    assert 1 not in drop_in and drop_in.get(1, 7) == 7


def circle() -> list[Any]:
    """A list that holds itself."""
    items: list[Any] = []
    items.append(items)
    return items


def deep() -> list[Any]:
    """A list nested more deeply than any key."""
    items: list[Any] = []
    for _ in range(10_000):
        items = [items]
    return items


@pytest.mark.parametrize(
    "argument",
    [object(), circle(), deep(), Text("a")],
    ids=["object", "circle", "deep", "subclass"],
)
def test_argument_without_a_text_is_computed_every_time(
    drop_in: DropInCache, argument: Any
) -> None:
    """A call without a key bypasses the cache; one warning names function, parameter, way out."""
    f = drop_in.memoise(_function)
    with pytest.warns(outlive.UnstorableWarning, match=r"_function.*'?x'?.*key=") as told:
        assert f(argument) is argument and f(argument) is argument
    assert len(told) == 1 and len(drop_in) == 0


def test_function_may_change_its_argument(drop_in: DropInCache) -> None:
    """The key is taken before the call, so a function that empties its argument keeps its key."""

    @drop_in.memoise
    def total(numbers: list[int]) -> int:
        found = sum(numbers)
        numbers.clear()
        return found

    assert total([1, 2]) == 3 and total([]) == 0 and total([1, 2]) == 3


def test_defaults_count_as_they_were_at_the_definition(drop_in: DropInCache) -> None:
    """A call without the first argument has the key of a call with its default."""
    f = drop_in.memoise(lambda x=(1, 2): x)
    assert f() == (1, 2) and f.cache_key() == f.cache_key((1, 2))


def test_canonical_texts_are_readable() -> None:
    """Keys of values other than texts read like the value, so that the file can be read."""
    assert key_text(1) == "outlive:(1)"
    assert key_text((1, "a")) == 'outlive:((1, "a"))'
    assert _core.canonical({"a": [None, True]}) == '{"a": [null, true]}'


def test_a_value_that_is_no_key_is_refused_by_the_mapping(drop_in: DropInCache) -> None:
    """A key in brackets is what could be a first argument; anything else is a TypeError."""
    with pytest.raises(TypeError, match="first argument of a memoised function"):
        drop_in[object()]


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap as an everyday decorator whose author forgot functools.wraps."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


COLLISIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any, Any]] = {
    "**params": (lambda **params: params, (), {"q": "cats"}, (), {"q": "dogs"}),
    "*names": (lambda *names: list(names), ("a", "b"), {}, ("a", "c"), {}),
    "a bare wrapper": (logged(lambda uri, n=1: n), ("/p", 1), {}, ("/p", 2), {}),
    "a bare wrapper, by name": (logged(lambda uri: uri), (), {"uri": "/q"}, (), {"uri": "/r"}),
}


@pytest.mark.parametrize("kind", COLLISIONS)
def test_a_collision_is_told_for_every_kind_of_signature(drop_in: Any, kind: str) -> None:
    """A call that gets another call's answer warns, however the function takes arguments."""
    function, first, named, second, renamed = COLLISIONS[kind]
    memoised = drop_in.memoise(function)
    one = memoised(*first, **named)
    with pytest.warns(KeyCollisionWarning, match="other arguments"):
        assert memoised(*second, **renamed) == one
