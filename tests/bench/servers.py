"""Results on a server: what a miss and a hit take, and how soon others see what was forgotten.

All of them use one Redis on the loopback of this machine, one after the other in one run. What is
``async`` is timed inside of a running loop, as its users call it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlive import Cache

from . import purges
from .report import Table
from .samples import ISSUE_TEXT, answer, fresh
from .timing import Variant, in_turn, measure

if TYPE_CHECKING:
    from support.servers import Server

#: What a miss may cost beyond the bare round trips, in ns.
_BEYOND_ROUND_TRIPS = 20_000
_HIT = "https://api.example.org/1"


async def _later(uri: str) -> Any:
    return answer(uri)


def tables(seconds: float, forgotten: int) -> Iterator[Table]:
    """All of them, ``seconds`` each, and so many results forgotten."""
    # The tests know how a server is started.
    sys.path.append(str(Path(__file__).resolve().parents[1] / "python"))
    from support.servers import Server, program

    if program("redis") is None:
        print("\nno redis-server can be had here: nothing is said of servers", file=sys.stderr)
        return
    with Server("redis") as server, tempfile.TemporaryDirectory() as folder:
        loop = asyncio.new_event_loop()
        yield _misses(server, loop, seconds)
        yield _hits(server, loop, seconds)
        yield _near_hits(server, Path(folder), seconds)
        yield purges.table(server.url, forgotten, ", by a server")
        loop.close()


def _misses(server: Server, loop: asyncio.AbstractEventLoop, seconds: float) -> Table:
    variants = [
        Variant(name, "f(k)", {"f": function}, fresh=fresh(time.time_ns()), loop_of=which)
        for name, function, which in [
            ("outlive", _ours(server), None),
            ("outlive, near=0", _ours(server, near=0), None),
            ("the bare round trips: GET, SET", _bare_miss(server), None),
            *_peers(server, loop),
        ]
    ]
    times = in_turn(variants, [""], seconds)
    bare = times["the bare round trips: GET, SET"] + _BEYOND_ROUND_TRIPS
    return Table(
        "Miss, a result of 2 KB kept on a server, the function included",
        "ns",
        times,
        limits={"outlive": bare, "outlive, near=0": bare},
        note="ours computes a key once among all machines; of the others, those with a lock do",
    )


def _hits(server: Server, loop: asyncio.AbstractEventLoop, seconds: float) -> Table:
    variants = [
        Variant(name, "f(k)", {"f": function}, loop_of=which)
        for name, function, which in [
            ("outlive, near=0", _ours(server, near=0), None),
            ("the bare round trip: GET, json.loads", _bare_hit(server), None),
            *_peers(server, loop),
        ]
    ]
    return Table(
        "Hit, a result of 2 KB that the server has",
        "ns",
        in_turn(variants, [_HIT], seconds),
        note="a fresh object for each of them",
    )


def _near_hits(server: Server, folder: Path, seconds: float) -> Table:
    at_hand = {
        "outlive, a server": Cache(server.url, name="near").memoise(str.upper, key="first"),
        "outlive, a file": Cache(folder / "x.json", maxsize=10**6).memoise(str.upper, key="first"),
    }
    variants = [Variant(name, "f(k)", {"f": function}) for name, function in at_hand.items()]
    times = {name: v.time for name, v in measure(variants, [_HIT], seconds).items()}
    return Table(
        "Near hit, a str: the server is not asked",
        "ns",
        times,
        limits={"outlive, a server": 1.1 * times["outlive, a file"]},
        note="the file has a limit, as what is near has",
    )


def _ours(server: Server, **options: Any) -> Callable[[str], Any]:
    return Cache(server.url, name=f"bench{len(options)}", **options).memoise(answer)


def _connection(server: Server) -> Any:
    made = socket.create_connection((server.host, server.port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _command(*words: str) -> bytes:
    parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def _bare_miss(server: Server) -> Callable[[str], Any]:
    """Two questions and their answers, with nothing between a program and its socket."""
    connection = _connection(server)

    def miss(uri: str) -> Any:
        connection.sendall(_command("GET", uri))
        assert connection.recv(65536) == b"$-1\r\n"
        result = answer(uri)
        connection.sendall(_command("SET", uri, ISSUE_TEXT))
        assert connection.recv(65536) == b"+OK\r\n"
        return result

    return miss


def _bare_hit(server: Server) -> Callable[[str], Any]:
    connection = _connection(server)
    connection.sendall(_command("SET", _HIT, ISSUE_TEXT))
    connection.recv(65536)

    def hit(uri: str) -> Any:
        connection.sendall(_command("GET", uri))
        return json.loads(connection.recv(65536).split(b"\r\n")[1])

    return hit


Peer = tuple[str, Callable[[str], Any], "asyncio.AbstractEventLoop | None"]


def _peers(server: Server, loop: asyncio.AbstractEventLoop) -> Iterator[Peer]:
    """Those that are installed."""
    if _installed("redis"):
        yield "redis-py with hiredis, by hand", _redis_py(server), None
    if _installed("dogpile"):
        yield "dogpile.cache", _dogpile(server, lock=False), None
        yield "dogpile.cache, distributed_lock", _dogpile(server, lock=True), None
    if _installed("cashews"):
        yield "cashews", _cashews(server, loop), loop
        yield "cashews, lock", _cashews(server, loop, lock=True), loop
    if _installed("aiocache"):
        yield "aiocache", _aiocache(server), loop


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _redis_py(server: Server) -> Callable[[str], Any]:
    import redis

    client = redis.Redis(host=server.host, port=server.port)

    def get(uri: str) -> Any:
        found: Any = client.get(f"redis-py:{uri}")
        if found is not None:
            return json.loads(found)
        result = answer(uri)
        client.set(f"redis-py:{uri}", json.dumps(result))
        return result

    return get


def _dogpile(server: Server, lock: bool) -> Callable[[str], Any]:
    from dogpile.cache import make_region

    arguments = {
        "host": server.host, "port": server.port, "distributed_lock": lock,
        "thread_local_lock": not lock,
    }  # fmt: skip
    region = make_region().configure("dogpile.cache.redis", arguments=arguments)
    made: Any = region.cache_on_arguments(namespace=f"lock {lock}")(answer)
    return made  # type: ignore[no-any-return]


def _cashews(
    server: Server, loop: asyncio.AbstractEventLoop, lock: bool = False
) -> Callable[[str], Any]:
    import cashews

    cache = cashews.Cache()

    async def setup() -> Any:
        cache.setup(f"redis://{server.address}", client_side=False)
        return cache(ttl="1h", lock=lock, key=f"cashews{lock}:{{uri}}")(_later)

    made: Any = loop.run_until_complete(setup())
    return made  # type: ignore[no-any-return]


def _aiocache(server: Server) -> Callable[[str], Any]:
    import aiocache
    from aiocache.serializers import JsonSerializer

    warnings.simplefilter("ignore", DeprecationWarning)
    decorate: Any = aiocache.cached(
        cache=aiocache.RedisCache, endpoint=server.host, port=server.port,
        serializer=JsonSerializer(), key_builder=lambda function, uri: f"aiocache:{uri}",
    )  # fmt: skip
    made: Any = decorate(_later)
    return made  # type: ignore[no-any-return]
