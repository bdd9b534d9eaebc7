"""What only servers do: how they are named, what stands there, and what is asked of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.programs import Scripts
from support.servers import Server
from support.threads import until
from support.workers import Worker, expected


@pytest.fixture
def redis(shared_servers: Callable[[str], Server]) -> Server:
    """The Redis that tests share."""
    return shared_servers("redis")


REFUSED = [
    "redis://", "redis://host/zero", "redis://host/-1", "redis://host:port/0",
    "redis://host/0?tiemout=1", "redis://host/0?timeout=0", "redis://host/0?timeout=nan",
    "redis://host/0?name=a:b", "redis://host/0?name=*", "redis://host/0?ca=x",
    "redis+sentinel://host", "redis+cluster://host/0", "redis-sentinel://host/service/0",
    "unix://host/x", "unix://", "rediss+sentinel://host/service/0",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_urls_that_mean_nothing(url: str) -> None:
    """What a URL asks for and outlive does not know is refused before anything connects."""
    with pytest.raises(ValueError, match=r"redis|unix"):
        Cache(url)


@pytest.mark.parametrize(
    "password", ["s3cret", "s3/cret", "s3?cret", "s3@cret", "s3:cret", "s3#cret"]
)
@pytest.mark.parametrize("rest", ["", "0?tiemout=1", "zero", "0?name=*"])
def test_passwords_of_wrong_urls(password: str, rest: str) -> None:
    """Whatever is wrong with a URL, and whatever its password holds, no message has any of that."""
    try:
        cache = Cache(f"redis://user:{password}@host/{rest}")
    except ValueError as error:
        said = str(error)
    else:
        said = repr(cache) + str(cache.path) + cache.memoise(repr).__repr__()
    assert "cret" not in said
    assert "s3" not in said


def test_names(redis: Server) -> None:
    """A name is given beside the URL or in it; without one it is "default", and two are refused."""
    beside = Cache(redis.url, name="names")
    beside["a"] = 1
    assert dict(Cache(redis.at(name="names"))) == {"a": 1}
    assert dict(Cache(redis.socket_url, name="names")) == {"a": 1}
    assert "a" not in Cache(redis.url)
    with pytest.raises(ValueError, match="name"):
        Cache(redis.at(name="one"), name="other")
    with pytest.raises(ValueError, match="name"):
        Cache(redis.url, name="a:b")
    with pytest.raises((TypeError, ValueError), match="name"):
        Cache("x.json", name="shop")
    beside.close()


def test_databases(redis: Server) -> None:
    """The number in a URL is that of a database."""
    one, other = Cache(redis.url, name="numbered"), Cache(redis.at(3), name="numbered")
    one["a"], other["a"] = 1, 3
    assert (one["a"], other["a"]) == (1, 3)
    assert dict(Cache(redis.socket_url + "&db=3", name="numbered")) == {"a": 3}
    assert redis.client().select(3)


@pytest.mark.parametrize(
    "options", [{"durability": "fsync"}, {"app": "shop"}, {"receipts": True}, {"maxsize": 3},
                {"max_bytes": 1000}, {"near": -1}, {"on_store_error": "ignore"}],
    ids=str,
)  # fmt: skip
def test_what_servers_do_not_do(redis: Server, options: dict[str, Any]) -> None:
    """What a server cannot do is refused where it is asked for."""
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        Cache(redis.url, name="refused", **options)


def test_what_stands_there(redis: Server) -> None:
    """Keys begin with the cache's name and end with the key's text; an expiry is later than the ttl."""
    cache = Cache(redis.url, name="stands")
    cache.memoise(name="f", ttl="1h")(lambda x: "a text")(1)
    cache.memoise(name="g")(lambda x: "a text")(1)
    cache.close()
    client = redis.client()
    keys = {key.rpartition(b":")[2]: key for key in redis.stored() if b":stands:" in key}
    assert set(keys) >= {b"f(x=1)", b"g(x=1)"}
    assert all(key.startswith(b"outlive:stands:") for key in keys.values())
    assert b'"a text"' in client.get(keys[b"f(x=1)"])
    assert client.pttl(keys[b"g(x=1)"]) == -1
    assert client.pttl(keys[b"f(x=1)"]) > 3_600_000


def test_a_ttl_that_is_raised(redis: Server) -> None:
    """What has expired for one ttl is fresh for a longer one: the server has not thrown it away."""
    first = Cache(redis.url, name="raised")
    made = first.memoise(name="f", ttl=0.01, on_code_change="ignore")(lambda: 1)()
    time.sleep(0.05)
    later = Cache(redis.socket_url, name="raised")
    assert later.memoise(name="f", ttl="1h", on_code_change="ignore")(lambda: 2)() == made


def test_large_results(redis: Server) -> None:
    """A result of some MB goes there and back."""
    value = ["x" * 1000, list(range(1000))] * 3000
    cache = Cache(redis.at(timeout=10), name="large", near=0)
    get = cache.memoise(lambda: value)
    assert get() == get() == get() == value
    assert get.cache_info().misses == 1


def test_two_processes_share_a_salt(redis: Server, tmp_path: Path) -> None:
    """A digest of a secret is the same in all processes, and stays while a process runs."""
    program = """
        import sys
        from outlive import Cache
        cache = Cache(sys.argv[1], name="salted")
        get = cache.memoise(name="get", secret=("token",), on_code_change="ignore")(
            lambda token: sys.argv[2])
        print(get("very secret"), get.cache_key("very secret"))
    """
    one, other = (Scripts(tmp_path).output(program, redis.url, word) for word in ("one", "other"))
    assert one == other
    assert one.startswith("one ")
    assert not [key for key in redis.stored() if b"very secret" in key]


def test_threads_go_on(server: Server) -> None:
    """While one thread waits for the server, another one runs Python."""
    cache = Cache(server.at(timeout=1), near=0)
    get = cache.memoise(lambda x: x)
    assert get(1) == 1
    server.pause()
    asking = threading.Thread(target=get, args=(2,))
    asking.start()
    count = 0
    while asking.is_alive():
        count += 1
        time.sleep(0.01)
    server.resume()
    assert count > 20


def test_ctrl_c_is_heard(server: Server, tmp_path: Path) -> None:
    """Who waits for the computation of another process can be interrupted."""
    with Worker(tmp_path, server.url) as holder, Worker(tmp_path, server.url) as other:
        other.ask("f(0)")
        holder.begin("f(1, 60)")
        until(lambda: 1 in holder.calls())
        interrupted = (
            "threading.Timer(0.5, lambda: os.kill(os.getpid(), 2)).start() or "
            "exec('try: f(1, 60)\\nexcept KeyboardInterrupt: heard = True') or heard"
        )
        assert other.ask(interrupted) is True
        assert other.ask("f(2)") == expected(2)
        holder.kill()
