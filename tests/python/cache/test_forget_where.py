"""f.forget_where(user=7): results of one function are forgotten by the arguments of their calls."""

from __future__ import annotations

from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache

TEXTS = ["plain", 'quote "', "comma, user=7", "(bracket", "back\\slash", "]}"]


def test_results_are_forgotten_by_argument() -> None:
    """All calls with these arguments are forgotten, whatever their others, and no other calls."""
    cache = Cache(None)

    @cache.memoise(name="page")
    def page(user: int, text: Any = "", *, size: int = 10) -> list[Any]:
        return [user, text, size]

    other = cache.memoise(lambda user: user, name="other")
    for user in (7, 77):
        other(user)
        for text in TEXTS:
            page(user, text)
            page(user, [text], size=20)
    assert page.forget_where(user=7, size=20) == len(TEXTS)
    assert page.forget_where(user=7) == len(TEXTS)
    assert page.forget_where(user=7) == 0
    assert page.forget_where(text=TEXTS[2]) == 1
    assert len(cache) == 2 + 2 * len(TEXTS) - 1
    calls = page.cache_info().misses
    page(7, "plain")
    assert page.cache_info().misses == calls + 1


def test_what_keys_do_not_show_is_refused(drop_in: DropInCache) -> None:
    """An argument that is ignored, secret or unknown is a TypeError, as is a key of the first alone."""

    @Cache(None).memoise(ignore=("session",), secret=("token",), name="f")
    def f(session: object, user: int, token: str = "") -> int:
        return user

    for name in ("session", "token", "usr"):
        with pytest.raises(TypeError, match=rf"do not show '{name}' \(they show: user\)"):
            f.forget_where(**{name: 1})
    first = drop_in.memoise(lambda uri: uri, name="first")
    with pytest.raises(TypeError, match="they show: none"):
        first.forget_where(uri="/a")


def test_keys_of_the_drop_in_that_name_the_function(drop_in: DropInCache) -> None:
    """In the drop-in it works for functions with key="all"."""
    f = drop_in.memoise(lambda uri, page: [uri, page], key="all", name="f")
    f("/a", 1), f("/a", 2), f("/b", 1)
    assert f.forget_where(uri="/a") == 2
    assert len(drop_in) == 1


def test_functions_that_close_over_something_have_it_too() -> None:
    """What a nested function closes over is in its keys, and makes no difference here."""
    host = "example.org"
    f: Any = Cache(None).memoise(lambda page: (host, page))
    f(1), f(2)
    assert f.forget_where(page=1) == 1


def test_arguments_that_stars_take() -> None:
    """What ``*args`` and ``**options`` took is named without the stars."""

    @Cache(None).memoise
    def f(*pages: int, **options: int) -> int:
        return 1

    f(1, 2), f(1, 3), f(1, size=2)
    assert f.forget_where(pages=(1, 2)) == 1
    assert f.forget_where(options={"size": 2}) == 1
    assert f.cache_info().currsize == 1


def test_coroutine_functions_have_it_too() -> None:
    """An ``async def`` function has it, too."""
    cache = Cache(None)

    @cache.memoise(name="f")
    async def f(user: int) -> int:
        return user

    f.put(1, 7)
    assert f.forget_where(user=7) == 1
