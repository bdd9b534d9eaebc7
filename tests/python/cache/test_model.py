"""A cache against a plain dict: random calls, edits, expiries and restarts."""

from __future__ import annotations

import gc
import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from outlive import Cache
from support.servers import ENGINES, Server

TTL = 100.0
ARGUMENTS = st.sampled_from([0, 1, -1, 0.0, True, "0", "", None, (1,), "outlive:meta"])


class Model(RuleBasedStateMachine):
    """Two functions over one file: one whose results expire, one whose do not."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = 1_000_000.0
        self.computed = 0
        self.kept: dict[str, tuple[list[Any], float]] = {}
        self.open()

    def open(self) -> None:
        self.cache = self.make(clock=lambda: self.now)
        self.functions = {
            "lasting": self.cache.memoise(name="lasting")(self.compute),
            "expiring": self.cache.memoise(name="expiring", ttl=TTL)(self.compute),
        }

    def make(self, **options: Any) -> Cache:
        """The cache of the next process."""
        return Cache(self.folder / "cache.json", **options)

    def compute(self, argument: Any) -> list[Any]:
        self.computed += 1
        return [argument, self.computed]

    def is_fresh(self, name: str, key: str) -> bool:
        if key not in self.kept:
            return False
        return name == "lasting" or abs(self.now - self.kept[key][1]) < TTL

    @rule(name=st.sampled_from(["lasting", "expiring"]), argument=ARGUMENTS)
    def call(self, name: str, argument: Any) -> None:
        """A fresh result is served unchanged; anything else is computed once."""
        function = self.functions[name]
        key = function.cache_key(argument)
        before = self.computed
        fresh = self.is_fresh(name, key)
        result = function(argument)
        if not fresh:
            self.kept[key] = ([argument, before + 1], self.now)
        assert self.computed == before + (not fresh)
        assert result == self.kept[key][0]
        assert list(map(type, result)) == list(map(type, self.kept[key][0]))
        result.append("the caller's own")

    @rule(argument=ARGUMENTS)
    def put(self, argument: Any) -> None:
        """A value that is put is what the call returns."""
        function = self.functions["expiring"]
        function.put(["given"], argument)
        self.kept[function.cache_key(argument)] = (["given"], self.now)

    @rule(name=st.sampled_from(["lasting", "expiring"]), argument=ARGUMENTS)
    def forget(self, name: str, argument: Any) -> None:
        """Forgetting returns whether there was something to forget."""
        key = self.functions[name].cache_key(argument)
        assert self.functions[name].forget(argument) == (self.kept.pop(key, None) is not None)

    @rule(seconds=st.sampled_from([1.0, 60.0, 99.9, 101.0, -30.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, or the clock is set back."""
        self.now += seconds

    @rule()
    def save(self) -> None:
        """Saving makes no visible change."""
        self.cache.save()

    @rule()
    def restart(self) -> None:
        """A later process finds everything that was kept."""
        self.cache.close()
        del self.functions, self.cache
        gc.collect()  # so that nothing of the old cache is left to answer
        self.open()

    @rule(name=st.sampled_from(["lasting", "expiring"]))
    def clear_function(self, name: str) -> None:
        """cache_clear drops one function's results and no other's."""
        self.functions[name].cache_clear()
        self.kept = {k: v for k, v in self.kept.items() if not k.startswith(f"{name}(")}

    @precondition(lambda self: len(self.kept) > 5)
    @rule()
    def clear(self) -> None:
        """clear drops everything."""
        self.cache.clear()
        self.kept.clear()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """The mapping shows every kept result, expired or not."""
        assert dict(self.cache) == {key: value for key, (value, _) in self.kept.items()}

    def teardown(self) -> None:
        self.cache.close()
        shutil.rmtree(self.folder)


class ModelOfDatabase(Model):
    """The same over a database."""

    def make(self, **options: Any) -> Cache:
        """The cache of the next process."""
        return Cache(self.folder / "cache.db", **options)


class ModelOfServer(Model):
    """The same over a server, which each process after another reaches in another way."""

    server: Server

    def __init__(self) -> None:
        self.name = f"model{next(_numbers)}"
        self.urls = itertools.cycle([self.server.url, self.server.socket_url])
        super().__init__()

    def make(self, **options: Any) -> Cache:
        """The cache of the next process."""
        return Cache(next(self.urls), name=self.name, **options)


_numbers = itertools.count()
_LONG = settings(max_examples=60, stateful_step_count=40, deadline=None)
_SHORT = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestModel = Model.TestCase
TestModel.settings = _LONG


def run(model: type[Model]) -> None:
    """Run a model for a while."""
    untyped: Any = run_state_machine_as_test
    untyped(model, settings=_SHORT)


def test_a_database() -> None:
    """A database holds what a dict would, whatever is done to it."""
    run(ModelOfDatabase)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server(engine: str, shared_servers: Callable[[str], Server]) -> None:
    """So does a server."""
    ModelOfServer.server = shared_servers(engine)
    run(ModelOfServer)
