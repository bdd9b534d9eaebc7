"""Keys of own caches and of the drop-in: one text per call, and no text for two calls."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import itertools
import json
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlive import Cache
from outlive._drop_in import DropInCache
from support.files import results
from support.programs import run, untyped

NASTY = "\"'\\[](){},:=@* \x00\n\x7f$#outlive:secretnulltruesetb0x1é\ud83d\udc00"


class Colour(enum.Enum):
    """An enum whose names and values cross over."""

    RED = "BLUE"
    BLUE = "RED"


class Flag(enum.Flag):
    """Flags whose combinations have no name of their own."""

    A = 1
    B = 2


texts = st.text(st.sampled_from(NASTY), max_size=8) | st.text(
    st.characters(exclude_categories=()), max_size=5
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.floats(),
    st.complex_numbers(allow_nan=False),
    texts,
    texts.map(lambda text: "outlive:" + text),
    st.binary(max_size=5),
    st.sampled_from([Colour.RED, Colour.BLUE, Flag.A, Flag.B, Flag.A | Flag.B, Flag(0)]),
    st.sampled_from([int, str, Colour, Path, dt.date]),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, dt.timezone.utc])),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    texts.filter(lambda text: "\x00" not in text).map(Path),
)
hashables = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
values = st.recursive(
    hashables,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(hashables, max_size=3),
        st.dictionaries(hashables, inner, max_size=3),
    ),
    max_leaves=8,
)


def told_apart(value: Any) -> Any:
    """Return what distinguishes ``value``: equal only for the same values."""
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, "nan" if value != value else struct.pack("d", value)
    if isinstance(value, complex):
        return kind, told_apart(value.real), told_apart(value.imag)
    if isinstance(value, dict):
        pairs = [(told_apart(key), told_apart(item)) for key, item in value.items()]
        return kind, tuple(sorted(pairs, key=repr))
    if isinstance(value, (set, frozenset)):
        return kind, tuple(sorted(map(told_apart, value), key=repr))
    if isinstance(value, (list, tuple)):
        return kind, tuple(map(told_apart, value))
    if isinstance(value, Decimal):
        return kind, value.as_tuple()
    return kind, repr(value)


def anything(x: Any = 0, /, y: Any = None, *args: Any, z: Any = "z", **kwargs: Any) -> None:
    """Take arguments of every kind."""


own = Cache(None).memoise(anything)
flat = DropInCache(None).memoise(anything)
flat_all = DropInCache(None).memoise(key="all")(anything)
custom = Cache(None).memoise(key=lambda x: x)(anything)


@pytest.mark.parametrize("function", [own, flat, flat_all, custom])
@settings(deadline=None)
@given(one=values, data=st.data())
def test_two_values_never_share_a_key(
    function: Callable[..., Any], one: Any, data: st.DataObject
) -> None:
    """Two different arguments have two keys, whatever quotes, brackets or sigils they hold."""
    key_of: Callable[[Any], str] = function.cache_key  # type: ignore[attr-defined]
    key = key_of(one)
    inside = key[key.find("(") + 1 : -1]
    lookalikes = [key, inside, "outlive:" + key, repr(one), str(one), [one], (one,), {"x": one}]
    two = data.draw(values | st.sampled_from(lookalikes))
    assert (key == key_of(two)) == (told_apart(one) == told_apart(two))


calls = st.tuples(
    st.lists(values, min_size=2, max_size=4),
    st.dictionaries(
        st.sampled_from(["z", "x", "args", "kwargs", "a", "é"]) | texts, values, max_size=3
    ).filter(lambda named: "y" not in named),
)


def arguments(call: Any) -> Any:
    """What the parameters of ``own`` get in a call, with its default."""
    positional, named = call
    return positional, {"z": "z"} | named


@settings(deadline=None)
@given(one=calls, two=calls)
def test_two_calls_never_share_a_key(one: Any, two: Any) -> None:
    """Calls that differ in any argument, by position or by name, have different keys."""
    same = told_apart(arguments(one)) == told_apart(arguments(two))
    assert (own.cache_key(*one[0], **one[1]) == own.cache_key(*two[0], **two[1])) == same


@settings(deadline=None)
@given(values, values, st.randoms())
def test_a_key_does_not_depend_on_order_or_spelling(one: Any, two: Any, random: Any) -> None:
    """Dict order does not matter, nor whether an argument comes by position or by name."""
    items = [("one", one), ("two", two), ("é", 1)]
    shuffled = random.sample(items, 3)
    assert own.cache_key(dict(items), two) == own.cache_key(dict(shuffled), y=two)
    assert own.cache_key(1, 2, **dict(items)) == own.cache_key(1, y=2, **dict(shuffled))


@settings(deadline=None)
@given(st.lists(values, max_size=8))
def test_keys_survive_the_file(given: list[Any]) -> None:
    """Whatever its key is made of, the next process finds a result."""
    with_file = Cache(Path("keys.json").absolute())
    with_file.clear()
    function = with_file.memoise(anything)
    for number, value in enumerate(given):
        function.put(None, value, number)
    expected = set(with_file)
    with_file.close()
    with_file._state.core.load()
    assert set(with_file) == expected
    assert set(results(Path("keys.json")) if expected else []) == expected
    assert all(function.cache_contains(value, number) for number, value in enumerate(given))


@pytest.fixture(autouse=True, scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Files of this module's tests stand in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("keys"))
        yield


def test_equal_numbers_of_other_types_are_other_calls() -> None:
    """1, 1.0, True and "1" are four calls, and so are 0.0 and -0.0."""
    seen = []
    cache = untyped(Cache(None))
    function = cache.memoise(lambda x: seen.append(repr(x)))
    leaves: list[Any] = [
        1,
        1.0,
        True,
        "1",
        b"1",
        0,
        0.0,
        -0.0,
        False,
        None,
        "",
        1 << 30,
        -1,
        1 << 90,
    ]
    pairs = [(leaf,) for leaf in leaves] + [((leaf,),) for leaf in leaves] + [(1, 2), (2, 1), ()]
    arguments = leaves + pairs
    for value in arguments * 3:
        function(value)
    assert seen == [repr(value) for value in arguments]


few = st.sampled_from(["a", "b", 1, True, None, ("a",), 1.5, [1]])
few_calls = st.tuples(
    st.lists(few, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y", "z", "w"]), few, max_size=2),
)


@pytest.mark.parametrize("ignore", [(), ("x",), ("y",), ("args",)])
@settings(deadline=None)
@given(
    st.lists(few_calls | st.tuples(st.tuples(values, values), st.just({})), max_size=12),
    st.randoms(),
)
def test_who_answers_makes_no_difference(ignore: Any, given: list[Any], random: Any) -> None:
    """Tables answer exactly as the keys would, for the same or for new argument objects."""
    numbers = itertools.count()

    def number(x: Any = 0, y: Any = None, *args: Any, z: Any = "z", **kwargs: Any) -> int:
        return next(numbers)

    function = Cache(None).memoise(number, ignore=ignore)
    known: dict[str, int] = {}
    for call in random.sample(given * 4, len(given) * 4):
        args, kwargs = random.choice([call, copy.deepcopy(call)])
        if {"x", "y"}.intersection(list(kwargs)) and args:
            continue  # twice the same parameter, perhaps
        result = function(*args, **kwargs)
        assert known.setdefault(function.cache_key(*args, **kwargs), result) == result
    assert len(set(known.values())) == len(known)


def test_a_name_is_not_taken_for_a_position() -> None:
    """The only argument may be the second parameter's, by name: another call than the first's."""

    @Cache(None).memoise
    def function(x: str = "1", y: str = "2") -> tuple[str, str]:
        return x, y

    for _ in range(2):
        assert function(y="a") == ("1", "a")
    assert function("a") == ("a", "2")
    assert function(x="a") == ("a", "2")
    assert function(y="a") == ("1", "a")


def test_defaults_are_applied() -> None:
    """f(1), f(x=1) and f(1, y=<its default>) are one entry."""
    cache = Cache(None)

    @cache.memoise
    def function(x: int, y: int = 2, *, z: str = "three") -> tuple[int, int]:
        return x, y

    assert function(1) == function(x=1) == function(1, 2, z="three") == (1, 2)
    assert function.cache_info()[:2] == (2, 1)
    assert function.cache_key(1).endswith('function(x=1, y=2, z="three")')


def test_keys_are_readable() -> None:
    """The text of a key reads like the call."""
    start = f"{__name__}.anything"
    assert own.cache_key(1, "a") == f'{start}(x=1, y="a", z="z")'
    key = own.cache_key(None, [1, (2,)], {"b": 1.5}, z={True}, other=b"\x00")
    assert (
        key == f'{start}(x=null, y=[1, (2,)], *args=({{"b": 1.5}},), z=set(true), '
        '**kwargs={"other": b"\\x00"})'
    )
    assert flat.cache_key("https://a") == "https://a"
    assert flat.cache_key(1) == "outlive:(1)"
    assert flat.cache_key("outlive:meta") == 'outlive:("outlive:meta")'


def test_sets_have_one_key_in_every_process(tmp_path: Path) -> None:
    """The key of a set does not depend on the seed of the process's hashes."""
    program = """
        from outlive import Cache
        f = Cache(None).memoise(name="f")(lambda x: None)
        print(f.cache_key({"a", "b", "c", "d", ("e", "f"), frozenset({"g", "h"})}))
    """
    keys = {run(tmp_path, program, PYTHONHASHSEED=str(seed)) for seed in range(4)}
    assert len(keys) == 1


def test_the_arguments_of_the_call_make_the_key_not_what_becomes_of_them() -> None:
    """A function that changes its arguments does not change its key."""
    cache = Cache(None)

    @cache.memoise
    def drain(items: list[int]) -> int:
        total = sum(items)
        items.clear()
        return total

    assert drain([1, 2]) == drain([1, 2]) == 3
    assert drain([]) == 0
    assert drain.cache_info()[:2] == (1, 2)


@pytest.mark.parametrize("value", [type("Text", (str,), {})("a"), type("Number", (int,), {})(1)])
def test_subclasses_are_not_taken_for_their_bases(value: Any) -> None:
    """A subclass may be more than its base shows, so it has no key of its own accord."""
    with pytest.raises(TypeError, match=type(value).__name__):
        own(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**30, "0x"),
        (dt.date(2024, 1, 2), 'date("2024-01-02")'),
        (Decimal("1.50"), 'decimal("1.50")'),
        (UUID(int=1), "uuid("),
        (Path("/a"), f"path({json.dumps(str(Path('/a')))})"),
        (1 + 2j, "complex(1.0, 2.0)"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (frozenset({2, 1}), "frozenset(1, 2)"),
        (int, "class(builtins.int)"),
        (Colour.RED, f'{__name__}.Colour("RED")'),
    ],
)
def test_how_values_look_in_keys(value: Any, text: str) -> None:
    """Values of the standard library's common types stand in keys as what they are."""
    assert f"(x={text}" in own.cache_key(value)
