"""What a server does not take, or another program put in its place, costs that result and no other."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning
from support.outages import ask_all, kept, warnings_in
from support.programs import Scripts
from support.proxy import Proxy
from support.servers import Server
from support.threads import until
from support.workers import Worker

LARGE = """
    import sys
    from outlive import Cache
    cache = Cache(sys.argv[1])
    page = cache.memoise(name="page")(lambda n: "x" * n)
    page(1)
    assert page(int(sys.argv[2])) == "x" * int(sys.argv[2])
    for n in range(2, 30):
        page(n)
    cache.close()
"""


def pages(server: Server) -> set[int]:
    """The numbers of pages that a server has."""
    return {int(key.rpartition(b"=")[2][:-1]) for key in server.entries()}


@pytest.mark.parametrize("size", [2 << 20, 40 << 20])
def test_too_large(server: Server, tmp_path: Path, size: int) -> None:
    """A result larger than the server takes is told once, and is no outage: all others are kept."""
    server.client().config_set("proto-max-bulk-len", "1mb")
    ended = Scripts(tmp_path)(LARGE, server.url, str(size))
    assert ended.status == 0, ended
    assert pages(server) == set(range(1, 30))
    [said] = warnings_in(ended.err)
    assert f'"page(n={size})" is not kept there' in said


def test_too_slow(server: Server, tmp_path: Path) -> None:
    """A result that never gets through is given up after a few tries, and does not keep others back."""
    with Proxy(server.host, server.port) as proxy, Worker(tmp_path, proxy.url(0.5)) as worker:
        proxy.stuck_after = 1 << 20
        worker.ask("cache.__setitem__('large', 'x' * (3 << 20))")
        ask_all(worker, range(10))
        until(lambda: set(range(10)) <= kept(server))
        said = worker.end()
    assert "large is not kept there: no answer within 0.5 s" in said.replace('"', "")


def test_too_slow_at_the_end(server: Server, tmp_path: Path) -> None:
    """A result that does not get through at the end keeps no other back."""
    with Proxy(server.host, server.port) as proxy:
        proxy.stuck_after = 1 << 20
        ended = Scripts(tmp_path)(LARGE, proxy.url(0.5), str(3 << 20))
    assert ended.status == 0, ended
    assert pages(server) == set(range(1, 30))


def test_a_salt_that_cannot_be_kept(server: Server) -> None:
    """Where something else stands in its place, it is the salt that is named, and calls get results."""
    server.client().set("outlive:default:m", "no hash")
    get = Cache(server.url).memoise(name="get", secret=("token",))(lambda token: [token])
    with pytest.warns(CacheFileWarning, match="the salt of secrets is not kept there"):
        assert [get("a"), get("a")] == [["a"], ["a"]]
    assert get.cache_info().misses == 1


def name(kind: str, key: str) -> str:
    """The name of an entry or a lease on the server."""
    return f"outlive:default:{kind}:{{{zlib.crc32(key.encode()):08x}}}:{key}"


@pytest.mark.parametrize("at", ["get", ""])
@pytest.mark.parametrize(
    "text", ["inf", "1e300", "nan", "-1", "", "0x10", "9007199254740993", "99999999999999999999"]
)
def test_a_generation_of_a_stranger(server: Server, at: str, text: str) -> None:
    """Whatever another program wrote as a generation, a clear has its effect at once, and lasting."""
    client = server.client()
    cache, other = Cache(server.url, near=0), Cache(server.url, near=0)
    calls: list[Any] = []
    get = cache.memoise(name="get")(lambda x: calls.append(x) or [x])  # type: ignore[func-returns-value]
    assert get(1) == [1]
    client.set(f"outlive:default:g:{at}", text)
    assert [get(1), get(2)] == [[1], [2]]
    get.cache_clear() if at else cache.clear()
    assert len(other) == 0
    assert [get(1), get(1), get(2)] == [[1], [1], [2]]
    assert calls == [1, 2, 1, 2]
    assert len(other) == 2
    assert client.get(f"outlive:default:g:{at}").isdigit()


def test_what_others_put_there(server: Server) -> None:
    """Whatever stands in the place of a lease, a generation, or an entry counts as nothing."""
    client = server.client()
    cache = Cache(server.url, near=0)
    calls: list[Any] = []
    get = cache.memoise(name="get")(lambda x: calls.append(x) or [x])  # type: ignore[func-returns-value]
    for at in (name("l", "get(x=1)"), name("e", "get(x=2)"), "outlive:default:g:get"):
        client.lpush(at, "a list")
    for _ in range(2):
        assert [get(x) for x in range(4)] == [[x] for x in range(4)]
    assert calls == [0, 1, 2, 3]
    client.lpush(name("e", "get(x=4)"), "a list")
    assert len(cache) == 4
    assert get.cache_info().currsize == 4
    get.cache_clear()
    assert len(cache) == 0
    get(0)
    client.set("outlive:default:g:get", "not a number")
    assert (get(0), calls) == ([0], [0, 1, 2, 3, 0])
    until(lambda: not server.leases())
