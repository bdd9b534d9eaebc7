"""Values: a hit equals the first call, in value and types, now and in every later process."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import shutil
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from outlive import Cache
from outlive._drop_in import DropInCache
from support import sameness
from support.files import results
from support.programs import Scripts
from support.sameness import same
from support.threads import switching_often

#: More digits than Python makes an integer of at once. Its decimals in Python, which stand in for those
#: in C where it was built without their library, as 3.15 is by default, take no more than that.
LONG = 5000 if find_spec("_decimal") else 4000

texts = st.text(st.characters(exclude_categories=()))
zones = st.none() | st.integers(-86_399, 86_399).map(
    lambda seconds: dt.timezone(dt.timedelta(seconds=seconds))
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**60).map(lambda n: n**7)
    | st.floats()
    | texts
    | st.binary()
    | st.complex_numbers()
    | st.dates()
    | st.times(timezones=zones)
    | st.datetimes(timezones=zones)
    | st.datetimes().map(lambda moment: moment.replace(fold=1))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | texts.filter(lambda text: "\0" not in text).map(Path)
)
members = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2).map(tuple) | st.frozensets(inner, max_size=2),
    max_leaves=3,
)
tags = st.sampled_from(
    ["$tuple", "$set", "$dict", "$$tuple", "$$$dict", "$float", "$error", "$x", "$", "$$", "$uuid"]
)
values = st.recursive(
    leaves | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(texts, inner, max_size=4)
        | st.dictionaries(members, inner, max_size=4)
        | st.dictionaries(tags, inner, max_size=1)
        | st.sets(members, max_size=4)
        | st.frozensets(members, max_size=4)
    ),
    max_leaves=12,
)
_numbers = count()


def restarted(cache: Any, folder: Path) -> Any:
    """The cache as a new process finds it: everything is read from the file."""
    cache.save()
    copy = folder / f"restarted{next(_numbers)}.json"
    shutil.copy(str(cache.path), copy)
    return type(cache)(copy)


def check_round_trip(cache: Any, folder: Path, value: Any) -> None:
    """A call, and hits before and after a restart all give ``value``, types and all.

    The first hit decodes the text, the second makes a template, the third is a table's.
    """
    expected = pickle.loads(pickle.dumps(value))
    cache.clear()
    name = f"f{next(_numbers)}"
    f = cache.memoise(lambda key: value, key="first", name=name)
    assert f("k") is value
    for served in (f("k"), *cache.values(), f("k"), f("k")):
        assert same(served, expected), served
    with restarted(cache, folder) as after:
        g = after.memoise(_never, key="first", name=name)
        assert all(same(g("k"), expected) for _ in range(3))


def _never(key: str) -> None:
    raise AssertionError(f"{key} should have been found")


@pytest.fixture(params=[DropInCache, Cache], ids=["drop-in", "own"], scope="module")
def cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cache]:
    """A cache of either kind: their files differ in charset."""
    with request.param(tmp_path_factory.mktemp("values") / "values.json") as cache:
        yield cache


@given(values)
@example("\ud83d\ude00")
@example("cut \ud83d")
@example({"\ud83d\ude00": 1, "\ud83d": 2})
@example([{"$tuple": []}, {"$$tuple": 1}, {"$x": 1}, {"$tuple": 1, "b": 2}])
@example({1: "a", "1": "b", None: "c", (1, 2): "d", 2.5: "e"})
@example([5e-324, -0.0, 1e22, 1, 1.0, True, 2**63, -(2**63), 2**64, 1e308, 0.1])
@example([float("nan"), float("inf"), -float("inf"), complex("nan-infj")])
@example({"b": 1, "a": {"d": 1, "c": 2}})
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_round_trip(cache: Cache, tmp_path: Path, value: Any) -> None:
    """Value on the miss, on a hit and after a restart are the same, whatever its parts."""
    check_round_trip(cache, tmp_path, value)


SPECIAL = {
    "an integer of 4,300 digits": 10**4299,
    "an integer of 4,301 digits": -(10**4300) - 1,
    "an integer of 50,000 digits": 3**104_800,
    "NUL": "a\0b\x7f\x1f\u2028\ufeff",
    "200 levels": None,
    "a shared part": [[1]] * 3,
    "a named zone": dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
    "a zone with seconds": dt.time(1, tzinfo=dt.timezone(dt.timedelta(seconds=-1))),
    "a signalling NaN": Decimal("-sNaN12"),
    "an exact decimal": Decimal("1.10E+50"),
    "a long decimal": Decimal("1." + "1" * LONG),
    "the longest timedelta": dt.timedelta.max,
    "the first date": dt.date.min,
    "sets in sets": {frozenset({frozenset(), (1, frozenset({2}))})},
    "a UUID": UUID(int=1),
    "a path with odd bytes": Path("\udcff/x"),
    "an empty of each kind": [(), [], {}, set(), frozenset(), "", b"", 0, 0.0, 0j, None],
    "a long string": "é" * 100_000,
    "a big list": list(range(20_000)),
}
for _ in range(200):
    SPECIAL["200 levels"] = [{"a": SPECIAL["200 levels"]}]


@pytest.mark.parametrize("which", SPECIAL)
def test_special_values(cache: Cache, tmp_path: Path, which: str) -> None:
    """Values at the edge of what JSON, or Python's own json, can hold survive as they are."""
    check_round_trip(cache, tmp_path, SPECIAL[which])


def test_values_survive_a_real_restart(script: Scripts) -> None:
    """A second process gets the very values and types that the first one computed."""
    cases = list(SPECIAL.values())
    (script.folder / "cases.pickle").write_bytes(pickle.dumps(cases))
    (script.folder / "same.py").write_text(Path(sameness.__file__).read_text())
    program = """
    import pickle
    from outlive import memoise
    from same import same
    with open("cases.pickle", "rb") as file:
        cases = pickle.load(file)

    @memoise
    def case(number):
        print("computed")
        return cases[number]

    print(all(same(case(n), cases[n]) for n in range(len(cases))))
    """
    assert script.output(program) == "computed\n" * len(cases) + "True\n"
    assert script.output(program) == "True\n"


@given(values)
@settings(max_examples=25, deadline=None)
def test_file_is_strict_json(value: Any) -> None:
    """Whatever is kept, strict readers accept the file: no NaN, no bare control characters."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.json"
        with DropInCache(path) as cache:
            cache["k"] = value

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        members = json.loads(path.read_text("ascii"), parse_constant=refuse)
        # A value that looks like an instance of a class raises the version of the file.
        assert [name for name in members if name != "outlive:meta"] == ["k"]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
@settings(max_examples=25, deadline=None)
def test_json_types_are_plain_json(value: Any) -> None:
    """JSON values are in the file as themselves, for any other tool to read."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.json"
        with Cache(path) as cache:
            cache["k"] = value
        assert same(results(path), {"k": value}) or "$" in str(value)


def test_copies_share_nothing_mutable(drop_in: Any) -> None:
    """A part that appears twice in the result comes back as two parts, equal and apart."""
    part = [1]
    f = drop_in.memoise(lambda key: {"a": part, "b": (part, [part])})
    f("k")
    for _ in range(4):
        served = f("k")
        assert served == {"a": [1], "b": ([1], [[1]])}
        served["a"].append(2)
        assert served == {"a": [1, 2], "b": ([1], [[1]])}


def test_immutable_results_are_shared(drop_in: DropInCache) -> None:
    """An immutable result is not copied: a hit is the object itself."""
    results = ["text", 12345678, (1, ("a", frozenset({2}))), Decimal("1.5"), b"bytes", None]
    f = drop_in.memoise(lambda n: results[n])
    for number, result in enumerate(results):
        f(number)
        assert f(number) is f(number)
        assert same(f(number), result)


def test_a_tuple_around_a_list_is_copied(drop_in: DropInCache) -> None:
    """A tuple that holds something mutable comes back as a fresh tuple with a fresh part."""
    f = drop_in.memoise(lambda key: (1, [2], {"x": {3}}))
    f("k")
    for _ in range(4):
        served = f("k")
        assert served == (1, [2], {"x": {3}})
        served[1].append(4)
        served[2]["x"].add(5)


def test_the_first_hit_keeps_the_text_alone(script: Scripts) -> None:
    """Reading a large file once takes no more memory than its text."""
    (script.folder / "c.json").write_text(json.dumps({str(n): [n] * 500 for n in range(2_000)}))
    program = """
    import tracemalloc
    from outlive import Cache

    cache = Cache("c.json")
    tracemalloc.start()
    for _ in range(3):
        total = sum(len(cache[key]) for key in cache)
        print(total, tracemalloc.get_traced_memory()[0] > 2_000 * 500 * 8)
    """
    assert script.output(program).splitlines() == ["1000000 False", *["1000000 True"] * 2]


def test_snapshot_is_taken_before_the_first_caller_gets_the_result(drop_in: DropInCache) -> None:
    """A first caller that changes its result changes neither the cache nor the file."""
    kept: list[int] = [1]
    f = drop_in.memoise(lambda key: kept)
    f("k").append(2)
    assert kept == [1, 2] and f("k") == [1]


def test_integers_do_not_depend_on_the_limit_of_digits(script: Scripts) -> None:
    """``sys.set_int_max_str_digits`` may be as low as it goes: big integers are kept and found."""
    program = """
    import sys
    from outlive import memoise
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(640)
    f = memoise(lambda digits: 7 ** (10 * digits) + 1)
    for digits in (10, 100, 300, 1000):
        assert f(digits) == 7 ** (10 * digits) + 1
    """
    script.output(program)
    script.output(program)
    text = (script.folder / "cache_file.json").read_text()
    assert len(json.loads(text)) == 4


def test_integers_of_other_programs_may_be_long(tmp_path: Path) -> None:
    """An integer in decimal digits, of a file from elsewhere, is read whatever its length."""
    for length in (639, 640, 641, 1280, 1281, 1921, 30_000):
        digits = ("1234567" * length)[:length]
        (tmp_path / f"{length}.json").write_text(f'{{"n": {digits}, "m": -{digits}}}')
        with Cache(tmp_path / f"{length}.json") as found:
            # Seen by its last digits, and by its size, as int() may refuse the whole.
            assert found["n"] == -found["m"]
            assert found["n"] % 10**600 == int(digits[-600:])
            assert found["n"] // 10 ** (length - 600) == int(digits[:600])


def test_lone_surrogates_and_pairs_stay_apart(drop_in: DropInCache, tmp_path: Path) -> None:
    """Half a character, two halves, and the whole character are three values and three keys."""
    three = ["\ud83d", "\ud83d\ude00", "\U0001f600"]
    f = drop_in.memoise(lambda text: [text, {text: text}])
    for text in three:
        f(text)
    after = restarted(drop_in, tmp_path)
    assert [after[text] for text in three] == [[text, {text: text}] for text in three]
    assert sorted(after.values(), key=repr) == sorted(([t, {t: t}] for t in three), key=repr)


def test_sets_have_one_line_whatever_the_hash_seed(script: Scripts) -> None:
    """A set of strings is written in one order in every process, so that files can be compared."""
    program = "from outlive import memoise; memoise(lambda k: set(map(str, range(50))))(1)"
    lines = set()
    for seed in ("1", "2"):
        script.output(program, PYTHONHASHSEED=seed)
        lines.add((script.folder / "cache_file.json").read_text())
        (script.folder / "cache_file.json").unlink()
    assert len(lines) == 1


def test_results_that_change_while_they_are_kept(drop_in: DropInCache) -> None:
    """A dict that another thread keeps filling can be returned: the call does not fail."""
    import threading

    growing: dict[str, Any] = {str(n): Decimal(n) for n in range(100)}
    f = drop_in.memoise(lambda n: growing)
    done = threading.Event()

    def grow() -> None:
        number = 0
        while not done.is_set():
            number += 1
            growing[f"new{number % 1000}"] = Decimal(number)
            growing.pop(f"new{(number - 500) % 1000}", None)

    with switching_often(1e-6):
        thread = threading.Thread(target=grow)
        thread.start()
        try:
            for number in range(200):
                assert f(number) is growing
        finally:
            done.set()
            thread.join()
