"""A call whose answer is known."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from typing import Any

from outlive import Cache

from . import goals, peers, samples
from .report import Table, of_variants
from .timing import Variant, measure

KEY = "https://api.example.org/repos/outlive-cache/outlive"


def answer(uri: str, page: int = 1) -> str:
    """The slow function: an immutable result, so that everybody may share it."""
    return f"{uri}?page={page}"


def _variants(call: str, argument: str = "uri") -> list[Variant]:
    """``call`` on ``f`` for outlive and the peers in memory; they are given no method."""
    ours = {
        "outlive": Cache().memoise(answer),
        "outlive, ttl='1h'": Cache().memoise(answer, ttl="1h"),
    }
    others = {name: peer()(answer) for name, peer in peers.IN_MEMORY.items()}
    return [Variant(name, call, {"f": function}) for name, function in (ours | others).items()]


def one_key(seconds: float) -> Table:
    """One str argument, the same again and again."""
    variants = _variants("f(k)")
    drop_in = Cache().memoise(answer, key="first")
    shared = Cache().memoise(lambda uri: [uri], name="shared", copy=False)
    variants.insert(1, Variant('outlive, key="first"', "f(k)", {"f": drop_in}))
    variants.insert(2, Variant("outlive, a list, copy=False", "f(k)", {"f": shared}))
    return of_variants(
        "Hit, one str argument, one key",
        measure(variants, [KEY], seconds),
        ratios=goals.of_hit("one key"),
        note="the result is a str, so all share it: no copy is needed",
    )


def many_keys(seconds: float, shuffled: bool) -> Table:
    """10,000 keys in turn."""
    keys = [f"{KEY}/issues/{number}" for number in range(10_000)]
    variants = _variants("f(k)")
    for variant in variants:
        variant.loop(time.thread_time_ns)(keys)
    if shuffled:
        random.Random(7).shuffle(keys)
    return of_variants(
        f"Hit, 10,000 keys in turn, {'shuffled' if shuffled else 'in the order of their first call'}",
        measure(variants, keys, seconds),
        ratios=goals.of_hit("many keys"),
    )


def two_arguments(seconds: float) -> Table:
    """Two positional arguments."""
    return of_variants(
        "Hit, two positional arguments",
        measure(_only_keyed(_variants("f(k, 7)")), [KEY], seconds),
        ratios=goals.of_hit("two arguments"),
    )


def keyword(seconds: float) -> Table:
    """One argument by position, one by name."""
    return of_variants(
        "Hit, one keyword",
        measure(_only_keyed(_variants("f(k, page=7)")), [KEY], seconds),
        ratios=goals.of_hit("keyword"),
    )


def _only_keyed(variants: list[Variant]) -> list[Variant]:
    """Without the original, which keys by the first argument alone."""
    return [variant for variant in variants if variant.name != "the original"]


def _made_anew(count: int) -> list[str]:
    """The same text so often, each time as another object that has not noted its hash."""
    return [KEY[:-1] + KEY[-1] for _ in range(count)]


def other_arguments(seconds: float) -> Iterator[Table]:
    """What callers pass who do not hold the very str of the first call."""
    kinds = {"an equal str made anew": KEY, "an int": 583_231, "a tuple": (KEY, 7, None)}
    for kind, key in kinds.items():
        variants = [v for v in _variants("f(k)") if v.name != "the original"]
        for variant in variants:
            variant.fresh = _made_anew if key is KEY else None
        figures = measure(variants, [key], seconds)
        yield of_variants(f"Hit, {kind}", figures, ratios={goals.LRU: 1.0})


class _Plain:
    @peers.lru_cache()
    def ask(self, uri: str) -> str:
        return uri


class _Ignored:
    @Cache().memoise(ignore=("self",))
    def ask(self, uri: str) -> str:
        return uri


class _Keyed:
    def __memo_key__(self) -> str:
        return "the same for all"

    @Cache().memoise
    def ask(self, uri: str) -> str:
        return uri


def method(seconds: float) -> Table:
    """A bound method."""
    variants = [
        Variant("outlive, ignore=('self',)", "o.ask(k)", {"o": _Ignored()}),
        Variant("outlive, __memo_key__", "o.ask(k)", {"o": _Keyed()}),
        Variant(goals.LRU, "o.ask(k)", {"o": _Plain()}),
    ]
    return of_variants(
        "Hit, bound method",
        measure(variants, [KEY], seconds),
        ratios=goals.of_hit("method"),
    )


@contextlib.contextmanager
def _mode(cache: Cache) -> Iterator[None]:
    with cache.mode("on"):
        yield


def checks(seconds: float) -> Table:
    """What statistics, expiry and modes add to the plainest hit."""
    cache, other = Cache(), Cache()
    plain, timed = cache.memoise(answer), cache.memoise(answer, name="timed", ttl="1h")
    bounded = Cache().memoise(answer, maxsize=1000)
    overridden = other.memoise(answer)
    variants = [
        Variant("outlive", "f(k)", {"f": plain}),
        Variant("... with ttl='1h' (a coarse clock)", "f(k)", {"f": timed}),
        Variant("... with maxsize=1000 (order of use kept)", "f(k)", {"f": bounded}),
        Variant("... inside `with cache.mode(...)`", "f(k)", {"f": overridden}),
    ]
    with _mode(other):
        return of_variants("What the checks of a hit cost", measure(variants, [KEY], seconds))


def _copies(title: str, value: Any, seconds: float, ratios: tuple[float, float]) -> Table:
    import copy
    import json

    text = json.dumps(value)
    fresh = Cache().memoise(lambda uri: value, name="fresh")
    shared = Cache().memoise(lambda uri: value, name="shared", copy=False)
    fresh(KEY), shared(KEY)
    variants = [
        Variant("outlive", "f(k)", {"f": fresh}),
        Variant("outlive, copy=False", "f(k)", {"f": shared}),
        Variant("copy.deepcopy", "f(v)", {"f": copy.deepcopy, "v": value}),
        Variant("json.loads", "f(v)", {"f": json.loads, "v": text}),
    ]
    deep, parse = ratios
    goal = {"copy.deepcopy": deep}
    if peers.installed("orjson"):
        import orjson

        own = orjson.dumps(value)
        variants.insert(3, Variant("orjson.loads", "f(v)", {"f": orjson.loads, "v": own}))
        goal["orjson.loads"] = parse
    return of_variants(
        title,
        measure(variants, [KEY], seconds),
        ratios=goal,
        note="the default: each hit is a copy of its own; only ours includes the look-up",
    )


def copies(seconds: float) -> list[Table]:
    """Hits that are fresh copies."""
    return [
        _copies("Hit, a fresh dict of 2 KB", samples.issue(), seconds, (50.0, 6.0)),
        _copies("Hit, a fresh list of 100 dicts (170 KB)", samples.page(), seconds, (25.0, 3.5)),
    ]


def tables(seconds: float) -> Iterator[Table]:
    """All of them, ``seconds`` each."""
    yield one_key(seconds)
    yield many_keys(seconds, shuffled=False)
    yield many_keys(seconds, shuffled=True)
    yield two_arguments(seconds)
    yield keyword(seconds)
    yield method(seconds)
    yield from other_arguments(seconds)
    yield checks(seconds)
    yield from copies(seconds)
