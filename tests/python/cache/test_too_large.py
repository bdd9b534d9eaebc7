"""Values that are larger than all entries may be together."""

from __future__ import annotations

import pytest

from outlive import Cache, UnstorableWarning


def test_a_result_larger_than_all_may_be_is_told() -> None:
    """It is not kept, no other entry goes for it, and a warning and explain() say why."""
    calls = []

    cache = Cache(None, max_bytes=200)
    small = cache.memoise(lambda x: x, name="small")

    @cache.memoise(name="large")
    def large(size: int) -> str:
        calls.append(size)
        return "x" * size

    small(1)
    with pytest.warns(
        UnstorableWarning, match=r"large\(size=1000\).* has \d+ bytes.* have 200 \(max_bytes=\)"
    ) as told:
        assert [len(large(1000)) for _ in range(2)] == [1000, 1000]
    assert len(told) == 1
    assert calls == [1000, 1000]
    assert small.cache_contains(1)
    assert "its result is larger than max_bytes= allows" in str(large.explain(1000))
    with pytest.warns(UnstorableWarning, match='the value of "a" has 1002 bytes'):
        cache["a"] = "x" * 1000
    assert "a" not in cache
