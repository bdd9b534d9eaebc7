"""The message of an offline miss: the nearest kept call, and how it differs."""

from __future__ import annotations

from typing import Any

import pytest

from outlive import Cache, CacheMiss


@pytest.mark.parametrize(
    ("call", "differs"),
    [
        ({"page": 3}, "page: 2 -> 3"),
        ({"uri": "/b, c(", "page": 2}, 'uri: "/a" -> "/b, c("'),
        ({"page": 2, "extra": [1, 2]}, "extra: null -> [1, 2]"),
    ],
)
def test_a_miss_names_the_nearest_kept_call(call: dict[str, Any], differs: str) -> None:
    """CacheMiss says in which arguments the call differs from the nearest one that is kept."""
    cache = Cache(None)

    @cache.memoise
    def fetch(uri: str = "/a", page: int = 1, extra: object = None) -> None: ...

    fetch(page=2)
    fetch("/other", 7, "x")
    with cache.mode("offline"), pytest.raises(CacheMiss) as caught:
        fetch(**call)
    assert f"differs in {differs};" in str(caught.value)


def test_a_miss_without_kept_calls_says_nothing_of_them() -> None:
    """Where no call of the function is kept, the message names none."""
    cache = Cache(None)
    function = cache.memoise(name="f")(lambda x: x)
    with cache.mode("offline"), pytest.raises(CacheMiss) as caught:
        function("y" * 1000)
    assert "nearest" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert len(caught.value.key) > 1000
