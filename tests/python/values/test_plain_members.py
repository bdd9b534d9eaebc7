"""Plain members of dicts are written in one loop, as long as there is room for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.sameness import same

#: Each kind of member, first and later, of lengths that are copied in different ways.
PLAIN: dict[str, Any] = {
    "": "",
    "a": True,
    "bb": False,
    "ccc": None,
    "four": 0,
    "eleven char": 9,
    "sixteen letters!": -1,
    "thirty-one characters, not more": 2**63 - 1,
    "thirty-two characters, no more..": -(2**63),
    "one": 0.1,
    "two": -1.7976931348623157e308,
    "three": 5e-324,
    "s1": "x",
    "s2": "xy",
    "s5": "xyzab",
    "s15": "x" * 15,
    "s16": "x" * 16,
    "s31": "y" * 31,
    "s32": "y" * 32,
    "s33": "y" * 33,
    "s64": "z" * 64,
    "s65": "z" * 65,
    "s128": "z" * 128,
    "s200": "z" * 200,
}
#: Members that are not: each ends the loop, which then goes on behind it.
ODD: dict[str, Any] = {
    'quote"': 1,
    "q": 'x"',
    "r": "y" * 40 + "\n" + "y" * 40,
    "s": "y" * 100 + "\\",
    "big": 2**63,
    "inf": float("inf"),
    "é": "ü",
    "del": "\x7f",
    "nested": {"list": [{"k": "v", "n": 1}, {}, [1.5, "x"]], "tuple": (1, 2)},
}


def values() -> list[dict[str, Any]]:
    """Dicts that begin with each kind of member, and end at each place of a buffer that grows."""
    items = list((PLAIN | ODD).items())
    turned = [dict(items[at:] + items[:at]) for at in range(len(items))]
    plain = "abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 2
    texts = [plain[:length] for length in range(0, len(plain), 3)]
    texts += ['"', "\\", "\x1f", "\x7f", "\xfc", "a line\nand another one, which is longer"]
    turned += [dict.fromkeys(texts, text) for text in texts]
    return turned + [{"pad": "p" * length} | PLAIN for length in range(300)]


class Instance:
    """All instances share the keys of their dicts, until one of them gets another attribute."""

    def __init__(self, number: int) -> None:
        self.first = number
        self.second = "s" * number
        self.third = None


def tables() -> list[dict[Any, Any]]:
    """Dicts of every kind of table that CPython has, with entries that were removed."""
    few = {f"key {n}": n for n in range(8)}
    gaps = {f"key {n}": str(n) for n in range(40)}
    for n in (0, 1, 7, 20, 38, 39):
        del gaps[f"key {n}"]
    emptied = dict(few)
    for key in few:
        del emptied[key]
    shared, grown, reduced = vars(Instance(1)), vars(Instance(2)), vars(Instance(3))
    grown["other"] = 4
    del reduced["first"]
    was_mixed: dict[Any, Any] = {1: "one", "two": 2, None: 3}
    mixed = dict(was_mixed)
    del was_mixed[1], was_mixed[None]
    large = [{f"{n:x}": n for n in range(count)} for count in (255, 257, 70_000)]
    refilled = {**emptied, "new": 1} | {"newer": 2}
    return [
        few,
        gaps,
        gaps.copy(),
        emptied,
        refilled,
        shared,
        grown,
        reduced,
        mixed,
        was_mixed,
        *large,
    ]


def test_tables_come_back(tmp_path: Path) -> None:
    """Whatever table it has, a dict is written whole, in order."""
    path, given = tmp_path / "c.json", tables()
    with Cache(path) as cache:
        f = cache.memoise(lambda number: given[number], name="f")
        for number in range(len(given)):
            f(number)
    again = Cache(path).memoise(lambda number: pytest.fail(f"{number} is not there"), name="f")
    for number, value in enumerate(given):
        assert same(again(number), value), number
        assert list(again(number)) == list(value), number


@pytest.mark.parametrize("door", [Cache, DropInCache])
def test_members_come_back(tmp_path: Path, door: Callable[[Path], Any]) -> None:
    """Whatever its members are, and wherever the room for them ends, a dict comes back."""
    path = tmp_path / "c.json"
    cache, given = door(path), values()
    f = cache.memoise(lambda number: given[number], name="f")
    for number in range(len(given)):
        # A new thread begins with a small buffer.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(f, number).result()
    cache.close()
    written = json.loads(path.read_text("utf-8"))
    again = door(path).memoise(lambda number: pytest.fail(f"{number} is not there"), name="f")
    assert len(written) >= len(given)
    for number, value in enumerate(given):
        assert same(again(number), value), number
