"""Functions that have each attribute that they are asked for: servers' proxies, and mocks."""

from __future__ import annotations

import functools
import xmlrpc.client
from typing import Any
from unittest import mock

from outlive import Cache
from outlive._classes.annotations import innermost
from support.programs import untyped


def test_a_proxy_that_has_any_attribute_can_be_memoised() -> None:
    """A method of a server claims to wrap another one, and so on without end."""
    server = xmlrpc.client.ServerProxy("http://127.0.0.1:1/")
    cached = Cache(None).memoise(server.add, name="add")
    assert cached.cache_key(1) == "add(*args=(1,))"
    assert Cache(None).memoise(untyped(mock.Mock(return_value=2)), name="mocked")(1) == 2


class _Clock(xmlrpc.client.ServerProxy):
    """A server, and what was asked of it."""

    asked: list[str]

    def _ServerProxy__request(self, name: str, _arguments: object) -> Any:  # noqa: N802
        self.asked.append(name)
        return xmlrpc.client.DateTime("20200101T00:00:00")


def test_a_proxy_is_asked_nothing_about_its_classes() -> None:
    """A result of a class has its classes looked up, in a proxy, a layer around one, or a mock."""
    clock = _Clock("http://127.0.0.1:1/")
    clock.asked = []
    cache = Cache(None)
    proxies = [
        clock.now,
        functools.partial(untyped(clock.now), 1),
        mock.Mock(side_effect=clock.now),
    ]
    for number, proxy in enumerate(proxies):
        cached = cache.memoise(untyped(proxy), name=f"now{number}", on_unstorable="ignore")
        assert cached(2) == xmlrpc.client.DateTime("20200101T00:00:00")
    # Python 3.12's own inspect calls what it finds as a signature.
    assert [name for name in clock.asked if name != "now.__signature__"] == ["now"] * 3


def test_wrappers_that_wrap_each_other_have_an_end() -> None:
    """The classes of a function are looked up in it once, even if it says that it wraps itself."""

    def made(x: int) -> Any:
        return xmlrpc.client.DateTime(f"2020010{x}T00:00:00")

    untyped(made).__wrapped__ = made
    assert innermost(made) is made
