"""Wrong options of a map, and the messages about them."""

from __future__ import annotations

from typing import Any

import pytest

from outlive import Cache

REFUSED = [
    ({"workers": 0}, "workers=0: must be at least 1"),
    ({"workers": None}, "workers= takes a whole number, not NoneType"),
    ({"workers": True}, "workers= takes a whole number, not bool"),
    ({"ordered": None}, "ordered= takes True or False, not None"),
    ({"star": 1}, "star= takes True or False, not 1"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_the_message_says_what_the_option_takes(options: dict[str, Any], words: str) -> None:
    """It holds no advice about other options."""
    cache = Cache()
    with pytest.raises((TypeError, ValueError)) as refused:
        cache.map(len, ["a"], **options)
    assert str(refused.value) == words


def test_a_batch_is_a_whole_number() -> None:
    """A limit of calls is no limit of entries."""
    with pytest.raises(ValueError, match=r"^batch=0: must be at least 1$"):
        Cache().memoise(each="ids", batch=0)(lambda ids: ids)
