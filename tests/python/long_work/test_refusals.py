"""Wrong options of a map, and the messages about them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from outlive import Cache
from support.programs import untyped

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


class Shop:
    """A class whose methods have defaults: an item taken for the instance would fit."""

    @Cache(None).memoise(ignore=("self",))
    def price(self, item: str = "tea") -> str:
        """Price an item."""
        return f"the price of {item}"

    @Cache(None).memoise(ignore=("self",))
    async def stock(self, item: str = "tea") -> str:
        """Count an item."""
        return f"the stock of {item}"

    @classmethod
    @Cache(None).memoise(ignore=("cls",))
    def opening(cls, day: str = "Monday") -> str:
        """Look up when it opens."""
        return f"open on {day}"

    @staticmethod
    @Cache(None).memoise
    def tax(item: str) -> str:
        """Tax an item."""
        return f"the tax on {item}"


def test_items_are_not_taken_for_the_instance() -> None:
    """A bound method's ``map`` does not know the instance: it says what does, and keeps nothing."""
    shop, words = Shop(), r"is a method, and its items name no instance: write cache\.map\(instance"
    for found in (untyped(shop.price).map(["jam", "tea"]), untyped(Shop.opening).map(["Sunday"])):
        with pytest.raises(TypeError, match=words):
            next(found)
    with pytest.raises(TypeError, match=words):
        asyncio.run(anext(untyped(shop.stock).amap(["jam"])))
    assert untyped(shop.price).cache_info().currsize == 0
    assert list(untyped(Shop).tax.map(["jam"])) == ["the tax on jam"]
    assert list(untyped(Shop).price.map([shop])) == ["the price of tea"]
    assert list(untyped(Shop).price.map([(shop, "jam")], star=True)) == ["the price of jam"]
    assert list(untyped(Shop).price.map([{"self": shop}], star=True)) == ["the price of tea"]
