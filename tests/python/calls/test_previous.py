"""outlive.previous(): the expired result that a call replaces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

import outlive
from outlive import Cache
from support.clock import Clock


class Tagged(BaseHTTPRequestHandler):
    """Answers 304 to a client that has the newest version."""

    def do_GET(self) -> None:
        """Send the version, unless the client knows it."""
        server: Any = self.server
        etag = f'"{server.version}"'
        known = self.headers.get("If-None-Match") == etag
        server.seen.append(304 if known else 200)
        self.send_response(server.seen[-1])
        self.send_header("ETag", etag)
        self.end_headers()
        if not known:
            self.wfile.write(f"version {server.version}".encode())

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server whose page has a version."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Tagged) as found:
        untyped: Any = found
        untyped.version, untyped.seen = 1, []
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def test_a_server_that_answers_304(server: Any) -> None:
    """An expired page is asked for with its ETag, and kept for another ttl if it is unchanged."""
    clock = Clock()

    @Cache(None, clock=clock).memoise(ttl="1h")
    def fetch(uri: str) -> dict[str, str]:
        old = outlive.previous()
        headers = {"If-None-Match": old["etag"]} if old else {}
        response = requests.get(uri, headers=headers, timeout=30)
        if response.status_code == 304:
            return dict(old)
        return {"etag": response.headers["ETag"], "body": response.text}

    uri = f"http://127.0.0.1:{server.server_port}/"
    bodies = []
    for version in (1, 1, 2):
        server.version = version
        bodies += [fetch(uri)["body"], fetch(uri)["body"]]
        clock.now += 3601
    assert bodies == ["version 1"] * 4 + ["version 2"] * 2
    assert server.seen == [200, 304, 200]


def test_there_is_nothing_at_first_and_outside_of_calls() -> None:
    """For a first call, and outside calls, it is None."""
    f = Cache(None).memoise(lambda x: outlive.previous())
    assert f(1) is None
    assert outlive.previous() is None


def test_refresh_has_the_result_that_it_replaces() -> None:
    """``f.refresh(...)`` sees the kept result, as a copy."""
    cache = Cache(None)

    @cache.memoise(name="f")
    def f(x: int) -> list[int]:
        old = outlive.previous() or []
        old.append(x)
        return list(old)

    assert [f(1), f.refresh(1), f.refresh(1)] == [[1], [1, 1], [1, 1, 1]]


def test_inner_calls_do_not_see_that_of_the_outer_one() -> None:
    """A call inside an expired one has its own previous result, or none."""
    cache = Cache(None)
    inner = cache.memoise(lambda x: repr(outlive.previous()), name="inner")
    outer = cache.memoise(lambda x: [inner(x), outlive.previous()], name="outer")
    cache["outer(x=1)"] = "old"
    assert outer.refresh(1) == ["None", "old"]


def test_coroutine_functions_have_it_too() -> None:
    """In an ``async def`` function ``previous()`` works as in a plain one, and each task has its own."""
    clock = Clock()

    @Cache(None, clock=clock).memoise(ttl=60)
    async def f(x: int) -> list[Any]:
        await asyncio.sleep(0)
        return [x, outlive.previous()]

    async def both() -> list[Any]:
        return list(await asyncio.gather(f(1), f(2)))

    first = asyncio.run(both())
    clock.now += 61
    assert first == [[1, None], [2, None]]
    assert asyncio.run(both()) == [[1, [1, None]], [2, [2, None]]]
