"""Classes of every family, and a sample of each: what the tests store and compare."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import fractions
import ipaddress
import subprocess
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic

T = TypeVar("T")


@dataclasses.dataclass
class Owner:
    login: str
    id: int = 7


@dataclasses.dataclass
class Repo:
    name: str
    owner: Owner
    topics: list[str] = dataclasses.field(default_factory=list)
    kind: ClassVar[str] = "git"
    seen: dataclasses.InitVar[int] = 0
    score: float = dataclasses.field(init=False, default=0.5)

    def __post_init__(self, seen: int) -> None:
        self.score += seen

    @cached_property
    def upper(self) -> str:
        return self.name.upper()


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int
    b: list[int]


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlotted:
    a: int
    b: tuple[int, ...]


@dataclasses.dataclass(kw_only=True)
class Child(Owner):
    extra: set[int]


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


class Plan(enum.Enum):
    FREE = 1
    PRO = "pro"


class Number(enum.IntEnum):
    ONE = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    x: int
    y: list[int]


class Fixed(NamedTuple):
    x: int


class Plain:
    def __init__(self, a: object) -> None:
        self.a = a
        self._b = [a]

    def __repr__(self) -> str:
        return f"Plain({self.__dict__})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]


class PlainSlots:
    __slots__ = ("__weakref__", "a", "b")
    a: list[int]

    def __repr__(self) -> str:
        return "PlainSlots()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainSlots) and other.a == self.a

    __hash__ = None  # type: ignore[assignment]


@attrs.define
class Attrs:
    a: int
    _b: list[int] = attrs.field(factory=list)


@attrs.frozen
class FrozenAttrs:
    a: int


@attrs.frozen(cache_hash=True)
class HashedAttrs:
    a: str


@attrs.define(slots=False)
class OpenAttrs:
    a: int


class Struct(msgspec.Struct):
    a: int
    b: list[int] = []


class FrozenStruct(msgspec.Struct, frozen=True):
    a: int
    b: str = "b"


class OpenStruct(msgspec.Struct, dict=True):
    a: int


class User(pydantic.BaseModel):
    name: str
    plan: Plan | None = None
    tags: list[str] = []
    _etag: str = pydantic.PrivateAttr(default="none")

    @cached_property
    def upper(self) -> str:
        return self.name.upper()


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    a: int


class Cell(pydantic.BaseModel, Generic[T]):
    item: T


class Ids(pydantic.RootModel[list[int]]):
    pass


class Doubled(pydantic.BaseModel):
    value: int = pydantic.Field(alias="Value")

    @pydantic.field_validator("value")
    @classmethod
    def double(cls, value: int) -> int:
        return value * 2


def _unset_slot() -> PlainSlots:
    made = PlainSlots()
    made.a = [1]
    return made


def _with_extra() -> Repo:
    repo = Repo("a", Owner("octo"), ["x"], seen=3)
    assert repo.upper == "A"
    repo.__dict__["note"] = {"$tuple": [1]}
    return repo


def _private() -> User:
    user = User(name="Ann", tags=["t"])
    user._etag = "W/1"
    assert user.upper == "ANN"
    return user


def _open_struct() -> OpenStruct:
    made = OpenStruct(1)
    made.note = [1]  # type: ignore[attr-defined]
    return made


SAMPLES: dict[str, Callable[[], Any]] = {
    "dataclass": lambda: Repo("a", Owner("octo", 1), ["x"]),
    "dataclass with more": _with_extra,
    "list of dataclasses": lambda: [Owner("a"), {"b": Owner("b")}, (Owner("c"),)],
    "frozen": lambda: Point(1, 2),
    "frozen in a set": lambda: {Point(1, 2), Point(3, 4)},
    "frozen as a key": lambda: {Point(1, 2): Owner("a")},
    "slots": lambda: Slotted(1, [2]),
    "frozen slots": lambda: FrozenSlotted(1, (2, 3)),
    "keyword-only, inherited": lambda: Child(login="a", extra={1, 2}),
    "generic": lambda: Box([Owner("a")]),
    "enum": lambda: [Plan.PRO, Number.ONE, Access.READ, Access.READ | Access.WRITE],
    "named tuple": lambda: Pair(1, [2]),
    "named tuple of immutables": lambda: Fixed(1),
    "plain": lambda: Plain({"a": (1, 2)}),
    "plain slots": _unset_slot,
    "attrs": lambda: Attrs(1, [4]),
    "attrs frozen": lambda: FrozenAttrs(1),
    "attrs with a hash that is kept": lambda: {HashedAttrs("a"): HashedAttrs("b")},
    "attrs without slots": lambda: OpenAttrs(1),
    "struct": lambda: Struct(1, [2]),
    "frozen struct": lambda: FrozenStruct(1),
    "struct with a dict": _open_struct,
    "model": lambda: User(name="Ann", plan=Plan.PRO),
    "model with private": _private,
    "model with extra": lambda: Open(a=1, b=[2]),  # type: ignore[call-arg]
    "generic model": lambda: Cell[int](item=1),
    "generic model of a class": lambda: Cell[User](item=User(name="x")),
    "root model": lambda: Ids([1, 2]),
    "validated once": lambda: Doubled(Value=2),
    "constructed": lambda: User.model_construct(name=5),
    "counter": lambda: collections.Counter("abca"),
    "counter of tuples": lambda: collections.Counter([(1, 2), (1, 2)]),
    "ordered": lambda: collections.OrderedDict([("b", [1]), ("a", 2)]),
    "deque": lambda: collections.deque([1, [2]], maxlen=5),
    "defaultdict": lambda: collections.defaultdict(list, {"a": [1]}),
    "zoned": lambda: dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    "zoned time": lambda: dt.time(1, 2, tzinfo=ZoneInfo("Europe/Berlin")),
    "addresses": lambda: [ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8")],
    "fraction": lambda: fractions.Fraction(1, 3),
    "range": lambda: range(1, 10, 2),
    "bytearray": lambda: bytearray(b"\x00\xff"),
    "completed": lambda: subprocess.CompletedProcess(["ls"], 0, stdout="x", stderr=""),
}

Everything = (
    Repo
    | Point
    | Slotted
    | FrozenSlotted
    | Child
    | Box[Any]
    | Plan
    | Number
    | Access
    | Pair
    | Fixed
    | Plain
    | PlainSlots
    | Attrs
    | FrozenAttrs
    | HashedAttrs
    | OpenAttrs
    | Struct
    | FrozenStruct
    | OpenStruct
    | User
    | Open
    | Cell[int]
    | Cell[User]
    | Ids
    | Doubled
)


def sample(name: str) -> Everything:
    """Return the sample of this name."""
    made: Everything = SAMPLES[name]()
    return made
