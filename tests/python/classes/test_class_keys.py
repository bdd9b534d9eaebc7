"""Instances of classes as arguments: distinguished by everything that they hold."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classes import shop
from outlive import Cache

#: Arguments that are equal, and one that is not.
CASES: dict[str, tuple[Callable[[], Any], Any]] = {
    "a dataclass": (lambda: shop.Owner("a"), shop.Owner("b")),
    "a class with the same fields": (lambda: shop.Attrs(1), shop.OpenAttrs(1)),
    "nested": (
        lambda: shop.Repo("a", shop.Owner("b"), ["x"]),
        shop.Repo("a", shop.Owner("c"), ["x"]),
    ),
    "attrs": (lambda: shop.Attrs(1, [2]), shop.Attrs(1, [3])),
    "a struct": (lambda: shop.Struct(1, [2]), shop.Struct(1, [])),
    "a model": (lambda: shop.User(name="a"), shop.User(name="b")),
    "what was given": (lambda: shop.User(name="a"), shop.User(name="a", tags=[])),
    "extras": (lambda: shop.Open(a=1, b=2), shop.Open(a=1, b=3)),  # type: ignore[call-arg]
    "a counter": (lambda: collections.Counter("aab"), collections.Counter("aabb")),
    "a deque": (lambda: collections.deque([1], 3), collections.deque([1], 4)),
    "an array": (lambda: np.arange(3), np.arange(3.0)),
    "its shape": (lambda: np.zeros((2, 3)), np.zeros((3, 2))),
    "a frame": (lambda: pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})),
    "its columns": (lambda: pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    "its index": (lambda: pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=[5])),
    "a series": (lambda: pd.Series([1], name="a"), pd.Series([1], name="b")),
}


@pytest.mark.parametrize("name", CASES)
def test_arguments_are_told_apart_by_what_they_hold(name: str) -> None:
    """Equal arguments are one call; a difference in a field, a type or a place makes another."""
    make, other = CASES[name]
    f = Cache().memoise(lambda value: 1, name="f")
    assert f.cache_key(make()) == f.cache_key(make()) != f.cache_key(other)


def test_frames_of_polars_are_told_apart() -> None:
    """Equal frames are one call, others another."""
    polars = pytest.importorskip("polars")  # it has no wheel for Pythons without a GIL
    f = Cache().memoise(lambda value: 1, name="f")
    one, same, other = (polars.DataFrame({"a": [n]}) for n in (1, 1, 2))
    assert f.cache_key(one) == f.cache_key(same) != f.cache_key(other)


def test_properties_that_were_asked_for_say_nothing() -> None:
    """A value cached by a property makes no difference to the call."""
    f = Cache().memoise(lambda value: 1, name="f")
    used, fresh = shop.User(name="a"), shop.User(name="a")
    assert used.upper == "A"
    assert f.cache_key(used) == f.cache_key(fresh)


@pytest.mark.parametrize(
    "value", [shop.Plain(1), np.array([object()]), pd.DataFrame({"o": [object()]})]
)
def test_other_objects_are_no_arguments(value: Any) -> None:
    """Nothing is assumed about classes not made to hold data, nor about objects in arrays."""
    f = Cache().memoise(lambda value: 1, name="f")
    with pytest.raises(TypeError, match="cannot be part of a key"):
        f(value)
