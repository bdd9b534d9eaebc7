"""Threads that copy one result at once: each gets copies that nobody else holds, as one alone does.

Where no GIL makes threads take turns, each comes to copy a template of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from outlive import Cache
from support.threads import switching_often, together

THREADS = 4
ROUNDS = 1500


@pytest.fixture(autouse=True)
def _turns() -> Iterator[None]:
    """With a GIL, switch threads as often as possible."""
    with switching_often():
        yield


@dataclass
class Answer:
    """A result of a class of one's own."""

    text: str
    parts: list[list[str]]


def plain(key: str) -> dict[str, Any]:
    """A result of built-in types."""
    return {"text": key, "parts": [[key], ["a longer text"]]}


def typed(key: str) -> Answer:
    """A result of a class that the annotation names."""
    return Answer(key, [[key], ["a longer text"]])


def to_list(answer: Any) -> list[Any]:
    """What a cache keeps in the place of an `Answer`."""
    return [answer.text, answer.parts]


def from_list(payload: list[Any]) -> Any:
    """The `Answer` of what was kept."""
    return Answer(*payload)


@pytest.mark.parametrize(
    ("function", "options"),
    [(plain, {}), (typed, {}), (typed, {"dump": to_list, "load": from_list}), (plain, {"ttl": 60})],
    ids=["plain", "typed", "load", "ttl"],
)
def test_copies_are_the_callers_own_and_counted_once(
    function: Callable[[str], Any], options: dict[str, Any]
) -> None:
    """Whatever a caller does to a copy, all others are right; each call is one hit or the miss."""
    f = Cache().memoise(function, **options)
    expected = function("key")

    def work(n: int) -> None:
        for _ in range(ROUNDS):
            copy = f("key")
            assert copy == expected and type(copy) is type(expected)
            parts = copy["parts"] if isinstance(copy, dict) else copy.parts
            parts[0].append("mine")
            parts.pop()

    together(THREADS, work)
    assert f.cache_info()[:2] == (THREADS * ROUNDS - 1, 1)


def test_no_thread_copies_what_was_replaced() -> None:
    """After `put` all threads get copies of the new result, whichever template they had."""
    f = Cache().memoise(plain)
    for round_ in range(20):
        f.put({"round": [round_]}, "key")
        results = together(THREADS, lambda n: [f("key") for _ in range(300)])
        assert all(each == {"round": [round_]} for result in results for each in result)
