"""tags=: results are forgotten by their tags."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, OutliveWarning
from outlive._drop_in import DropInCache
from support.programs import run


def test_results_are_forgotten_by_tag() -> None:
    """``cache.forget(tag=...)`` drops entries with the tag, of all functions or of a pattern."""
    cache = Cache(None)
    user = cache.memoise(
        lambda x: {"id": x}, name="user", tags=lambda r: (f"user {r['id']}", "all")
    )
    page = cache.memoise(lambda x: [x], name="page", tags=("all",))
    plain = cache.memoise(lambda x: x, name="plain")
    for number in (1, 2):
        user(number), page(number), plain(number)
    assert cache.forget(tag="user 1") == 1
    assert list(cache) == ["page(x=1)", "plain(x=1)", "user(x=2)", "page(x=2)", "plain(x=2)"]
    assert cache.forget("page(*", tag="all") == 2
    assert cache.forget(tag="all") == 1
    assert cache.forget(tag="all") == 0
    assert list(cache) == ["plain(x=1)", "plain(x=2)"]


def test_tags_are_known_to_later_processes(tmp_path: Path) -> None:
    """Tags are in the file beside their results."""
    program = """
    from outlive import Cache
    cache = Cache("c.json")
    f = cache.memoise(lambda x: [x], name="f", tags=("\\u00e4", "two"))
    f(1), f(2)
    """
    run(tmp_path, program)
    ask = """
    from outlive import Cache
    cache = Cache("c.json")
    print(cache.forget("*1)", tag="two"), cache.forget(tag="\\u00e4"), len(cache))
    """
    assert run(tmp_path, ask) == "1 1 0\n"


@pytest.mark.parametrize("wrong", ["word", (1,), 5])
def test_wrong_tags_are_refused(wrong: Any) -> None:
    """A single str and anything but a tuple of str are TypeErrors at the decoration."""
    with pytest.raises(TypeError):
        Cache(None).memoise(tags=wrong)


def test_a_callable_that_raises_costs_no_result() -> None:
    """A result for which ``tags=`` raises is kept without tags, and one warning says so."""
    f = Cache(None).memoise(lambda x: [x], tags=lambda result: result["id"])
    with pytest.warns(OutliveWarning, match=r"tags= of .* raised TypeError") as told:
        assert [f(1), f(1), f(2)] == [[1], [1], [2]]
    assert len(told) == 1


@pytest.mark.parametrize("make", [iter, lambda tags: (tag for tag in tags), set, list])
def test_tags_of_a_result_may_be_anything_with_words(make: Any) -> None:
    """An iterator of tags is read once; None means that there are none."""
    cache = Cache(None)
    f = cache.memoise(lambda tags: tags, tags=lambda result: result and make(result))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(["a", "b"]), f(None)
    assert [cache.forget(tag="b"), len(cache)] == [1, 1]


def test_the_drop_in_has_no_tags(drop_in: DropInCache) -> None:
    """In the drop-in ``tags=`` is a TypeError that says why."""
    with pytest.raises(TypeError, match="needs a cache of your own"):
        drop_in.memoise(tags=("a",))
