"""Mixtures of all kinds, nested in each other, and payloads that nobody would write."""

from __future__ import annotations

import collections
import tempfile
import warnings
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classes import shop
from classes.payloads import PAYLOADS, serve
from classes.sameness import assert_same
from outlive import Cache

LEAVES = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(["$tuple", "$a:b", "$$classes.shop:Owner", "$given"]),
    st.sampled_from([name for name in shop.SAMPLES if name not in ("addresses", "completed")]).map(
        lambda name: shop.SAMPLES[name]()
    ),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["a", "$tuple", "$a:b", "$$a:b", "$given", "$classes.shop:Owner"])
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(names, inner, max_size=2),
        inner.map(shop.Plain),
        inner.map(shop.Box),
        inner.map(lambda item: shop.User.model_construct(name=item)),
        inner.map(lambda item: shop.Cell[int].model_construct(item=item)),
        st.lists(inner, max_size=2).map(lambda items: shop.Slotted(1, items)),
        inner.map(lambda item: shop.Struct(1, [item])),
        st.lists(inner, max_size=2).map(lambda items: collections.deque(items, 4)),
        st.dictionaries(names, inner, max_size=2).map(collections.OrderedDict),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(LEAVES, _nested, max_leaves=8))
def test_mixtures_come_back(value: Any) -> None:
    """However kinds are nested, the first hit, the template and its copies are equal."""
    calls: list[int] = []

    def f() -> Any:
        calls.append(1)
        return value

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with Cache(Path(folder, "c.json"), types=(shop.Everything,)) as cache:
                memoised = cache.memoise(f, name="f")
                for _ in range(3):
                    assert_same(memoised(), value)
    assert calls == [1]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PAYLOADS, min_size=20, max_size=40))
def test_no_payload_raises(payloads: list[Any]) -> None:
    """A payload that no honest writer made is a value or a miss, and never an exception in the call."""
    serve(payloads)
