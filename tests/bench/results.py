"""Hits whose results are of classes, against the ways in which others copy or read them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from outlive import Cache

from . import goals, peers
from .report import Table, of_variants
from .timing import Variant, measure

KEY = "k"


@dataclasses.dataclass
class Repo:
    """A result with a list."""

    name: str
    stars: int
    topics: list[str]


def _repos() -> list[Repo]:
    return [Repo(f"octo/{n}", n, ["cache", "python"]) for n in range(100)]


def _copies(title: str, value: Any, seconds: float, deep: float | None = None) -> Table:
    """A fresh hit on ``value``, against what makes a copy of it."""
    fresh = Cache().memoise(lambda key: value, name="fresh", types=(type(value), Repo))
    for _ in range(3):
        fresh(KEY)
    variants = [
        Variant("outlive", "f(k)", {"f": fresh}),
        Variant("copy.deepcopy", "f(v)", {"f": copy.deepcopy, "v": value}),
        Variant("pickle.loads", "f(v)", {"f": pickle.loads, "v": pickle.dumps(value)}),
    ]
    if hasattr(value, "model_copy"):
        variants.append(Variant("model_copy(deep=True)", "v.model_copy(deep=True)", {"v": value}))
    figures = measure(variants, [KEY], seconds)
    return of_variants(title, figures, ratios={} if deep is None else {"copy.deepcopy": deep})


def _first_hits(value: Any, seconds: float) -> Table:
    """The first hit after a restart, against the reading of the same JSON by pydantic."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cache.json")
        with Cache(path) as cache:
            cache.memoise(lambda key: value, name="f", types=(type(value),))(KEY)

        def first_hit(key: str) -> Any:
            cache = Cache(path, mode="readonly", on_code_change="ignore")
            return cache.memoise(lambda key: None, name="f", types=(type(value),))(key)

        text = value.model_dump_json()
        variants = [
            Variant("outlive: a new cache, decorated, loaded, read", "f(k)", {"f": first_hit}),
            Variant(
                "model_validate_json", "f(v)", {"f": type(value).model_validate_json, "v": text}
            ),
        ]
        return of_variants("First hit after a restart", measure(variants, [KEY], seconds))


def two_members(seconds: float) -> Table:
    """A fresh dict of two members, against the one that all callers of ``lru_cache`` share."""
    value = {"login": "octocat", "id": 583_231}
    shared = lru_cache(maxsize=None)(lambda key: value)
    fresh = Cache().memoise(lambda key: value, name="fresh")
    for _ in range(3):
        fresh(KEY), shared(KEY)
    variants = [
        Variant("outlive, a copy", "f(k)", {"f": fresh}),
        Variant(goals.LRU, "f(k)", {"f": shared}),
    ]
    figures = measure(variants, [KEY], seconds)
    return of_variants("Hit, a fresh dict of two members", figures, ratios={goals.LRU: 0.9})


def tables(seconds: float) -> Iterator[Table]:
    """All of them, ``seconds`` each."""
    yield two_members(seconds)
    yield _copies("Hit, 100 dataclasses with a list each", _repos(), seconds, 25.0)
    yield _copies("Hit, an embedding of 1,536 floats", [n / 7 for n in range(1536)], seconds)
    if peers.installed("openai"):
        chat = _chat()
        yield _copies("Hit, a ChatCompletion", chat, seconds, 8.0)
        yield _first_hits(chat, seconds)
    if peers.installed("pandas"):
        import pandas as pd

        frame = pd.DataFrame({"a": range(10_000), "b": [f"row {n}" for n in range(10_000)]})
        yield _copies("Hit, a frame of 10,000 rows", frame, seconds)


def _chat() -> Any:
    from openai.types.chat import ChatCompletion

    message = {"role": "assistant", "content": "hello " * 50, "annotations": []}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return ChatCompletion.model_validate(answer | {"choices": [choice], "usage": usage})
