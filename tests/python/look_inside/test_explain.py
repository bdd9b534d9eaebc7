"""``f.explain(...)``: why a call is a hit or a miss, in words that are true."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, Explanation
from support.clock import Clock
from support.programs import run, untyped

HOUR = 3600.0


def test_a_call_that_was_never_made(tmp_path: Path) -> None:
    """Without any kept call it was never seen; else the nearest one is named, and nothing runs."""
    cache = Cache(tmp_path / "c.json")
    runs: list[int] = []

    @cache.memoise(name="fetch")
    def fetch(uri: str, page: int = 1) -> int:
        runs.append(page)
        return page

    found = fetch.explain("/x", page=3)
    assert (found.is_hit, bool(found), found.reason, found.nearest) == (
        *(False, False, "never seen"),
        None,
    )
    assert str(found) == 'miss: "fetch(uri=\\"/x\\", page=3)" was never seen here'
    fetch("/x", page=2)
    found = fetch.explain("/x", page=3)
    assert found.nearest == "page: 2 -> 3"
    assert str(found).endswith("; the nearest kept call differs in page: 2 -> 3")
    assert runs == [2] and fetch.cache_info()[:2] == (0, 1)


def test_a_hit_says_when_it_was_made_and_how_long_it_is_good(tmp_path: Path) -> None:
    """A hit shows its age, its code and its expiry; an expired result since when."""
    clock = Clock()
    cache = Cache(tmp_path / "c.json", clock=clock)
    f = cache.memoise(lambda x: x, name="f", ttl="1d")
    f(1)
    clock.now += 3 * HOUR
    found = f.explain(1)
    assert found and found.reason == "kept"
    assert found.created is not None and found.created.timestamp() == 1e9
    assert found.expires is not None and found.expires.timestamp() == 1e9 + 24 * HOUR
    assert found.code is not None and len(found.code) == 8
    assert "was made 3 h ago" in str(found) and str(found).endswith("and is good for 21 h")
    clock.now += 24 * HOUR
    found = f.explain(1)
    assert not found and found.reason == "expired"
    assert "expired 3 h ago" in str(found) and "ttl 24 h" in str(found)


def test_what_explain_says_is_what_a_call_does(tmp_path: Path) -> None:
    """Whatever the ttl, the age and the mode, ``explain`` and the call agree."""
    clock = Clock()
    cache = Cache(tmp_path / "c.json", clock=clock)
    runs: list[int] = []

    def body(x: int) -> int:
        runs.append(x)
        return x

    options: list[dict[str, Any]] = [
        {},
        {"ttl": 10},
        {"ttl": lambda x: 10 if x else None},
        {"ttl": lambda x: 1 / 0},
        {"ttl": 10, "stale_if_error": 10},
        {"cache_if": lambda x: False},
    ]
    functions = [untyped(cache.memoise(**o, name=f"f{n}"))(body) for n, o in enumerate(options)]
    with pytest.warns(UserWarning, match="ttl= of f3 raised"):
        for age in (0.0, 5.0, 10.0, 15.0):
            for mode in ("on", "refresh", "readonly"):
                for function in functions:
                    function.cache_clear()
                    function(1)
                    clock.now += age
                    runs.clear()
                    with cache.mode(mode):
                        explained = function.explain(1)
                        function(1)
                    assert explained.is_hit == (not runs), (age, mode, explained)


def test_modes_are_reasons(tmp_path: Path) -> None:
    """Mode "off" keeps nothing, and explaining touches no file; "refresh" computes all."""
    path = tmp_path / "c.json"
    cache = Cache(path, mode="off")
    f = cache.memoise(lambda x: x, name="f")
    assert f.explain(1).reason == "mode" and "'off'" in str(f.explain(1))
    assert list(tmp_path.iterdir()) == []
    cache.set_mode("on")
    f(1)
    with cache.mode("refresh"):
        assert (f.explain(1).is_hit, f.explain(1).reason) == (False, "mode")


def test_another_version(tmp_path: Path) -> None:
    """The same call kept by another version of the function is named, and only the same call."""
    cache = Cache(tmp_path / "c.json")
    for version in (None, "b"):
        cache.memoise(lambda x, y=0: x, name="f", version=version)(1)
    cache.memoise(lambda x, y=0: x, name="fetch", version=2)(7)
    now = cache.memoise(lambda x, y=0: x, name="f", version=3)
    assert now.explain(1).reason == "other version"
    assert "no version" in str(now.explain(1)) or 'version "b"' in str(now.explain(1))
    assert now.explain(7).reason == "never seen"


def test_other_code(script: Any) -> None:
    """A result of other code is a hit that says so, or a miss with ``on_code_change="recompute"``."""
    source = """
        import sys, warnings; warnings.simplefilter("ignore")
        from outlive import Cache
        cache = Cache("c.json")
        @cache.memoise(on_code_change=sys.argv[1])
        def f(x):
            return x + {}
        print(f.explain(1)); f(1)
    """
    script(source.format(1), "warn")
    other = script.output(source.format(2), "warn")
    assert other.startswith("hit: ") and "by other code (" in other
    assert script.output(source.format(3), "ignore").startswith("hit: ")
    other = script.output(source.format(4), "recompute")
    assert other.startswith("miss: ") and "by other code (" in other


def test_what_is_closed_over(tmp_path: Path) -> None:
    """The same call of a function that closed over other values is named as that."""
    cache = Cache(tmp_path / "c.json")

    def made(model: str) -> Any:
        @cache.memoise
        def ask(prompt: str) -> str:
            return model + prompt

        return ask

    made("small")("hello")
    assert made("large").explain("hello").reason == "other closure"
    assert made("large").explain("bye").reason == "never seen"


def test_results_that_were_not_kept(tmp_path: Path) -> None:
    """The reason why the last result of this call was not kept is known in this process."""
    cache = Cache(tmp_path / "c.json", on_unstorable="ignore")
    refused = cache.memoise(lambda x: x, name="refused", cache_if=lambda result: result)
    refused(0)
    assert refused.explain(0).reason == "not kept" and "cache_if=" in str(refused.explain(0))
    assert refused.explain("").reason == "never seen"
    once = cache.memoise(lambda x: iter([x]), name="once")
    once(1)
    assert "can be used only once" in str(once.explain(1))
    strange = cache.memoise(lambda x: object(), name="strange")
    strange(1)
    assert strange.explain(1).reason == "in memory" and strange.explain(1)
    raising = cache.memoise(lambda x: object(), name="raising", on_unstorable="raise")
    with pytest.raises(TypeError):
        raising(1)
    assert "is unstorable: result: object" in str(raising.explain(1))
    for x in range(5000):
        once(x)
    assert len(untyped(once)._outlive_registration.not_kept) <= 1000


def test_kept_exceptions(tmp_path: Path) -> None:
    """A kept exception is a hit as long as it is raised, then a miss."""
    clock = Clock()
    cache = Cache(tmp_path / "c.json", clock=clock)

    @cache.memoise(name="f", cache_errors={LookupError: "1h"})
    def f(x: int) -> int:
        raise LookupError(x)

    with pytest.raises(LookupError):
        f(1)
    assert f.explain(1) and "raises the kept LookupError" in str(f.explain(1))
    clock.now += 2 * HOUR
    assert f.explain(1).reason == "expired"


def test_methods_coroutines_and_the_drop_in(tmp_path: Path, drop_in: Any) -> None:
    """Methods are named through their class; coroutine functions and the drop-in explain, too."""
    cache = Cache(tmp_path / "c.json")

    class Shop:
        @cache.memoise(ignore=("self",))
        def price(self, item: str) -> int:
            return 3

    shop = Shop()
    shop.price("tea")
    assert Shop.price.explain(shop, "tea") and not Shop.price.explain(shop, "jam")

    @cache.memoise
    async def slow(x: int) -> int:
        return x

    assert not slow.explain(1)
    asyncio.run(slow(1))
    assert isinstance(slow.explain(1), Explanation) and slow.explain(1)
    first = drop_in.memoise(lambda uri: uri)
    first("a")
    assert first.explain("a") and first.explain("b").reason == "never seen"


def test_calls_that_cannot_be(tmp_path: Path) -> None:
    """Arguments that do not fit raise as the call would."""
    f = Cache(None).memoise(lambda x: x, name="f")
    with pytest.raises(TypeError, match="missing"):
        untyped(f).explain()


def test_nothing_of_it_is_imported_before_it_is_asked_for(tmp_path: Path) -> None:
    """A program that does not look inside imports none of these modules, nor ``logging``."""
    names = ["_explain", "_observe", "_receipts", "_report", "_savings", "_spans"]
    code = f"""
        import sys
        from outlive import Cache
        f = Cache("c.json").memoise(lambda x: x)
        for x in (1, 1, 2):
            f(x)
        print([name for name in {names} if "outlive." + name in sys.modules])
    """
    assert run(tmp_path, code) == "[]\n"
