"""Arguments that are not JSON: which have a key, and that no two values share one."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import functools
import http.cookies
import ipaddress
import operator
import re
import string
import types
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, NamedTuple, NewType

import pytest

import outlive
from outlive import Cache
from outlive._drop_in import DropInCache


@dataclass(frozen=True)
class Query:
    """An argument with fields."""

    text: str
    page: int = 1


class Pair(NamedTuple):
    """A tuple with names."""

    a: int


def search(x: int) -> int:
    """Be a tool."""
    return x


class Extended(Query):
    """A subclass that holds more than its fields."""

    def __init__(self, text: str, more: int) -> None:
        super().__init__(text)
        object.__setattr__(self, "more", more)


class Client:
    """A client that has no key."""

    def __init__(self, host: str) -> None:
        self.host = host


def asking(host: str) -> Callable[[], str]:
    """Be a tool that closes over a client."""
    client = Client(host)
    return lambda: client.host


@dataclass(frozen=True)
class Zone(dt.tzinfo):
    """A time zone that says what it is, as those of dateutil do."""

    hours: int

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(hours=self.hours)

    def dst(self, moment: dt.datetime | None) -> None:
        return None

    def tzname(self, moment: dt.datetime | None) -> None:
        return None


@Cache(None).memoise
def f(x: object) -> None:
    """Take anything."""


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NOON = dt.datetime(2024, 1, 1, 12)
DIFFERENT: list[Any] = [
    Query("a"),
    Query("b"),
    Query("a", 2),
    Pair(1),
    Pair(2),
    (1,),
    NOON,
    NOON.replace(tzinfo=BERLIN),
    NOON.replace(tzinfo=zoneinfo.ZoneInfo("UTC")),
    NOON.replace(tzinfo=dt.timezone.utc),
    NOON.replace(tzinfo=BERLIN, fold=1),
    NOON.replace(tzinfo=Zone(1)),
    NOON.replace(tzinfo=Zone(2)),
    ipaddress.ip_address("10.0.0.1"),
    ipaddress.ip_network("10.0.0.1/32"),
    "10.0.0.1",
    Fraction(1, 3),
    PurePosixPath("a"),
    PurePosixPath("b"),
    PureWindowsPath("a"),
    range(3),
    range(0, 3, 2),
    bytearray(b"a"),
    b"a",
    b"a" * 2000,
    b"b" + b"a" * 1999,
    search,
    functools.partial(search, 1),
    functools.partial(search, 2),
    lambda x: x + 1,
    lambda x: x + 2,
    len,
    Query,
    make_dataclass("Answer", ["text"]),
    make_dataclass("Answer", ["text", "score"]),
    list[Query],
    list[Pair],
    int | None,
    Annotated[int, 1],
    Annotated[int, 2],
    tuple[int],
    tuple[int, ...],
    NewType("Number", int),
    NewType("Other", int),
    Extended("a", 1),
    Extended("a", 2),
    collections.OrderedDict(a=1, b=2),
    collections.OrderedDict(b=2, a=1),
    collections.Counter(a=1, b=2),
    {"a": 1, "b": 2},
    types.SimpleNamespace(a=1),
    argparse.Namespace(a=1),
    argparse.Namespace(a=2),
    types.MappingProxyType({"a": 1}),
    slice(3),
    slice(0, 3),
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    re.compile(b"a"),
    BERLIN,
    dt.timezone.utc,
    zoneinfo.ZoneInfo("UTC"),
    operator.itemgetter(1),
    operator.itemgetter(1, 2),
    operator.attrgetter("a"),
    operator.attrgetter("b"),
    str.upper,
    str.lower,
    "a".upper,
    "b".upper,
    "b".__add__,
    asking("a"),
    asking("b"),
]


def test_values_of_many_kinds_have_keys_of_their_own() -> None:
    """Different values have different keys, and each the same key again."""
    keys = [f.cache_key(value) for value in DIFFERENT]
    assert len(set(keys)) == len(DIFFERENT)
    assert keys == [f.cache_key(value) for value in DIFFERENT]


def test_an_instance_of_a_frozen_dataclass_may_be_the_self_of_a_method() -> None:
    """A method of a frozen dataclass is memoised by its fields."""
    cache = Cache(None)

    @dataclass(frozen=True)
    class Client:
        host: str

        @cache.memoise
        def get(self, uri: str) -> str:
            return self.host + uri

    assert [Client("a").get("/x"), Client("b").get("/x"), Client("a").get("/x")] == [
        "a/x",
        "b/x",
        "a/x",
    ]
    assert Client.get.cache_info().misses == 2


def test_long_bytes_stand_as_a_digest() -> None:
    """An image in a key is its size and a digest; the drop-in's file keeps its keys."""
    image = bytes(range(256)) * 1000
    assert len(f.cache_key(image)) < 100
    flat: Any = DropInCache(None).memoise(lambda data: None)
    assert len(flat.cache_key(image)) > len(image)


def test_a_file_stands_for_its_content(tmp_path: Path) -> None:
    """The content of an ``outlive.File`` identifies it, under whatever name."""
    cache = Cache(None)

    @cache.memoise
    def count(file: outlive.File) -> int:
        return len(Path(file).read_bytes())

    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("abc")
    two.write_text("abc")
    assert [count(outlive.File(one)), count(outlive.File(two))] == [3, 3]
    assert count.cache_info().misses == 1
    two.write_text("abcd")
    assert count(outlive.File(two)) == 4


def scalars(library: str) -> list[Any]:
    """Return scalars of numpy or pandas, no two of which are the same call."""
    if library == "numpy":
        numpy = pytest.importorskip("numpy")
        numbers = [numpy.dtype(kind).type(1) for kind in "bBhHiIqQefd?FDg"]
        dates = [numpy.datetime64("2024-01-01", unit) for unit in ("D", "s", "ns")]
        spans = [numpy.timedelta64(1, unit) for unit in ("D", "s", "ns")]
        return [*numbers, *dates, *spans, numpy.float64(1.5), numpy.str_("a"), numpy.bytes_(b"a")]
    pandas = pytest.importorskip("pandas")
    stamps = [pandas.Timestamp("2024-01-01", tz=zone) for zone in (None, "UTC", "Europe/Berlin")]
    return [*stamps, pandas.Timedelta("1D"), pandas.Period("2024-01"), pandas.NaT, pandas.NA]


@pytest.mark.parametrize("library", ["numpy", "pandas"])
def test_scalars_have_keys_of_their_own(library: str) -> None:
    """A row of a table may be passed on as it is: each type and each value is a call of its own."""
    values = [*scalars(library), 1, 1.0, True, "a", b"a", 1.5]
    keys = [f.cache_key(value) for value in values]
    assert len(set(keys)) == len(values)
    assert keys == [f.cache_key(value) for value in [*scalars(library), *values[-6:]]]


def frames(pandas: Any) -> list[Any]:
    """Frames and series, no two of which are the same call."""
    cells: list[list[Any]] = [[1, "x"], ["1", "x"], [True, "x"], [1.0, "x"], [b"1", "x"]]
    noted = pandas.DataFrame({"a": [1]})
    noted.attrs["unit"] = "m"
    days = pandas.date_range("2024", periods=2, freq="D")
    intervals = [pandas.interval_range(0, 1), pandas.interval_range(0, 1, closed="left")]
    pairs = [pandas.MultiIndex.from_tuples([(1, second)]) for second in (2, 3, "2")]
    return [
        *(pandas.DataFrame({"a": pandas.Series(each, dtype=object)}) for each in cells),
        *(pandas.Series(pandas.Categorical(["a"], categories=["a", each])) for each in "bc"),
        *(pandas.DataFrame({"a": [text]}) for text in "xy"),
        pandas.DataFrame({"a": [1]}),
        pandas.DataFrame({"a": [1]}).rename_axis(columns="b"),
        noted,
        *(pandas.Series([1, 2], index=each) for each in (days, pandas.DatetimeIndex(list(days)))),
        *(pandas.Series([1], index=each) for each in [*intervals, *pairs]),
        *(pandas.Series([1], index=pandas.Index([each], dtype=object)) for each in (1, "1")),
    ]


def test_frames_are_told_apart_by_all_that_they_hold() -> None:
    """Cells, categories, indexes, names and notes of a frame make different keys."""
    pandas = pytest.importorskip("pandas")
    keys = [f.cache_key(frame) for frame in frames(pandas)]
    assert len(set(keys)) == len(keys)
    assert keys == [f.cache_key(frame) for frame in frames(pandas)]


LIMIT = 3


def limited(x: int) -> int:
    """Be a tool with a constant."""
    return min(x, LIMIT)


def test_a_function_as_argument_counts_with_its_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool whose global constant changed is another argument."""
    before = f.cache_key([limited])
    monkeypatch.setitem(globals(), "LIMIT", 4)
    assert f.cache_key([limited]) != before


def opened(path: Path) -> Any:
    """Return an open file."""
    return open(path, "w")


ADVICE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "an open file": (lambda path: opened(path / "x"), "outlive.File"),
    "an iterator": (lambda path: iter([1]), "list or tuple"),
    "an object": (lambda path: object(), "what tells it from others"),
    "an instance of a class": (lambda path: type("C", (), {})(), "__memo_key__"),
    "an instance of the library's": (
        lambda path: string.Template("$a"),
        "what tells it from others",
    ),
    "a dict of the library's": (lambda path: http.cookies.SimpleCookie("a=b"), r"dict\(x\)"),
    "a secret": (
        lambda path: pytest.importorskip("pydantic").SecretStr("x"),
        r'get_secret_value\(\), with secret=\("x",\)',
    ),
}


@pytest.mark.parametrize("kind", ADVICE)
def test_advice_fits_the_argument(kind: str, tmp_path: Path) -> None:
    """The TypeError of an argument without a key says what to do with one of its type."""
    make, advice = ADVICE[kind]
    with pytest.raises(TypeError, match=advice):
        f([make(tmp_path)])


def test_classes_are_known_by_themselves_not_by_their_place() -> None:
    """The fields of a class identify it, even in the place or under the name of another."""
    keys = set()
    for number in range(200):
        fields = ["text"] if number % 2 else ["score", "text"]
        made: Any = make_dataclass(f"Made{number % 3}", fields, frozen=True)
        value = made(*range(len(fields)))
        key = f.cache_key(value)
        assert key == f.cache_key(made(*range(len(fields))))
        assert re.search(rf'Made{number % 3}~\w{{8}}\(\{{"{fields[0]}": 0', key)
        keys.add(key)
        del made, value
    assert len(keys) == 6


def test_fields_stand_in_one_order() -> None:
    """The first key of a dataclass and all later ones are one text, whatever the order of its fields."""

    @dataclass(frozen=True)
    class Ordered:
        b: Any
        ab: Any
        a: Any = ("x",)

    texts = {f.cache_key(Ordered(1, Query("q"))) for _ in range(3)}
    assert len(texts) == 1
    (text,) = texts
    assert '({"a": ("x",), "ab": ' in text
    assert text.endswith('"b": 1}))')
