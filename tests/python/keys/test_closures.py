"""Closures over objects that have no key, or have one only in part."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, KeyCollisionWarning
from support.programs import Scripts

# A warning is an error unless a test expects it.
pytestmark = pytest.mark.filterwarnings("error")


class Client:
    """A client that is told from others by its host, and says so to nobody."""

    def __init__(self, host: str) -> None:
        self.host = host

    def get(self, uri: str) -> str:
        return self.host + uri

    def delete(self, uri: str) -> str:
        return "gone " + self.host + uri

    __call__ = get


class Session(Client):
    """One that holds what has no key."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.lock = object()


def nested(host: str) -> Callable[[str], str]:
    """A function that closes over a client."""
    client = Client(host)

    def ask(uri: str) -> str:
        return client.get(uri)

    return ask


def counting(host: str) -> Callable[[str], str]:
    """A function that calls itself."""

    def ask(uri: str, depth: int = 2) -> str:
        return ask(uri, depth - 1) if depth else host + uri

    return ask


session = Session("")
ASK: dict[str, Callable[[str], Callable[[str], str]]] = {
    "a callable object": Client,
    "a method": lambda host: Client(host).get,
    "a partial": lambda host: functools.partial(Session.get, types.SimpleNamespace(host=host)),  # type: ignore[arg-type]
    "a partial of a method": lambda host: functools.partial(nested(host)),
    "a function that closes over a client": nested,
    "a function that calls itself": counting,
    "a method of str": lambda host: (host + "{}").format,
    "an operator of str": lambda host: host.__add__,
}


@pytest.mark.parametrize("kind", ASK)
def test_what_is_called_tells_closures_apart(kind: str) -> None:
    """Functions that close over different callables are told apart."""
    cache = Cache(None)

    def asking(ask: Callable[[str], str]) -> Any:
        @cache.memoise
        def fetch(uri: str) -> str:
            return ask(uri)

        return fetch

    assert [asking(ASK[kind](host))("/x") for host in ("a", "b", "a")] == ["a/x", "b/x", "a/x"]


def test_what_is_beside_a_client_counts() -> None:
    """Functions are told apart by the rest of a tuple, dict or method that holds a client."""
    cache = Cache(None)

    def asking(where: Any) -> Any:
        @cache.memoise
        def fetch(uri: str) -> Any:
            return where

        return fetch.cache_key("/x")

    keys = {
        asking(each)
        for host in ("a", "b")
        for each in [(session, host), [session, host], {"session": session, "host": host}]
    } | {asking(session.get), asking(session.delete), asking({session.lock, "a"})}
    assert len(keys) == 9
    assert asking((Session("other"), "a")) in keys


def test_functions_that_keys_cannot_tell_apart_warn() -> None:
    """Two functions that close over two clients share results; if both are used, one warning."""
    cache = Cache(None)

    def asking(client: Session) -> Any:
        @cache.memoise
        def fetch(uri: str) -> str:
            return client.get(uri)

        return fetch

    first, second = asking(Session("a")), asking(Session("b"))
    with pytest.warns(KeyCollisionWarning, match=r"fetch is called, .* share their results.*name="):
        assert first("/x") == "a/x"
    assert [first("/x"), second("/x")] == ["a/x", "a/x"]


def test_lambdas_that_keys_cannot_tell_apart_warn() -> None:
    """So do two lambdas, whatever stands between them; those that are told apart do not."""
    cache = Cache(None)

    def asking(client: Session, page: int = 1) -> Any:
        return cache.memoise(lambda uri: f"{client.get(uri)}?{page}")

    first, other, second = asking(Session("a")), asking(Session("a"), 2), asking(Session("b"))
    assert other("/x") == "a/x?2"
    with pytest.warns(KeyCollisionWarning, match=r"<lambda> is called, .* share their results"):
        assert first("/x") == "a/x?1"
    assert [first("/x"), second("/x")] == ["a/x?1", "a/x?1"]


def test_one_client_warns_of_nothing() -> None:
    """A function made again over the same client, or replacing a dropped one, does not collide."""
    cache = Cache(None)

    def asking(client: Session) -> Any:
        @cache.memoise
        def fetch(uri: str) -> str:
            return client.get(uri)

        return fetch

    one = asking(session)
    assert [one("/x"), asking(session)("/x"), one("/x")] == ["/x"] * 3
    assert asking(Session("b"))("/x") == "/x"


def test_closures_over_objects_are_found_in_later_runs(tmp_path: Path) -> None:
    """Keys of closures over objects are the same in every run, and hold none of their values."""
    run = Scripts(tmp_path)
    program = """
        import os, logging, threading, sys
        from outlive import Cache

        class Config:
            def __init__(self, host):
                self.host = host

        def asking(*held):
            @Cache("c.json").memoise
            def fetch(uri):
                print("computed", end=" ")
                return held[0].host + uri
            return fetch

        print(asking(Config(sys.argv[1]), os.environ, logging.getLogger(), threading.Lock())("/x"))
    """
    said = [run.output(program, host) for host in ("secret", "secret", "b")]
    assert said == ["computed secret/x\n", "secret/x\n", "computed b/x\n"]
    assert "secret" not in (tmp_path / "c.json").read_text().replace('"secret/x"', "")
