"""What mypy and pyright see of outlive's public names. Checked by both, never run.

Each line that must be an error carries a comment for both checkers, and both report comments that
are not needed: an error that is no longer found is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from datetime import timedelta
from typing import Any, Protocol

from typing_extensions import assert_type

import outlive
from outlive import Cache, CacheInfo, CacheMiss, cache, cache_file, memoise, memoize, save_cache

github = Cache("github.json", ttl="1d", durability="fsync", maxsize=1000)


# --- functions, in every form of the decorator


@memoise
def plain(uri: str, page: int = 1) -> list[str]:
    """Keep results in the drop-in's file."""
    return [uri] * page


@memoise()
def empty(uri: str) -> bytes:
    """Keep results in the drop-in's file."""
    return uri.encode()


@memoize(ttl=timedelta(hours=1), key="all")
def spelled(uri: str, *, page: int) -> int:
    """Keep results in the drop-in's file, with an expiry."""
    return len(uri) + page


@github.memoise
def own(uri: str, page: int = 1) -> dict[str, int]:
    """Keep results in a cache of one's own."""
    return {uri: page}


@github.memoize(ttl=lambda result: "1h", ignore=("session",), cache_errors={KeyError: 60})
def with_options(session: object, query: str) -> float:
    """Keep results in a cache of one's own, with options."""
    return float(query)


assert_type(plain("a"), list[str])
assert_type(plain("a", page=2), list[str])
assert_type(empty("a"), bytes)
assert_type(spelled("a", page=1), int)
assert_type(own("a"), dict[str, int])
assert_type(with_options(None, "q"), float)
assert_type(github.memoise(len)([]), int)
as_callable: Callable[[str, int], list[str]] = plain

plain(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
plain("a", pages=2)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
spelled("a")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
own()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


# --- control of single calls

assert_type(own.cache_info(), CacheInfo)
assert_type(own.cache_info().hits, int)
assert_type(own.cache_info().maxsize, int | None)
assert_type(own.cache_parameters(), dict[str, Any])
assert_type(own.cache_key("a", 2), str)
assert_type(own.cache_contains("a"), bool)
assert_type(own.peek("a", page=2), dict[str, int] | None)
assert_type(own.refresh("a"), dict[str, int])
assert_type(own.forget("a"), bool)
assert_type(own.__wrapped__("a"), dict[str, int])
assert_type(own.__name__, str)
own.put({"a": 1}, "a")
own.cache_clear()

own.put("a", "a")  # type: ignore[arg-type] # pyright: ignore
own.peek(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
own.forget()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


# --- coroutine functions


@github.memoise
async def fetch(uri: str, page: int = 1) -> bytes:
    """Wait for a page."""
    return uri.encode() * page


@memoise(ttl="1h")
async def fetch_too(uri: str) -> bytes:
    """Wait for a page."""
    return uri.encode()


async def awaited() -> None:
    """Look at what coroutine functions give."""
    assert_type(await fetch("a", page=2), bytes)
    assert_type(await fetch_too("a"), bytes)
    assert_type(await fetch.refresh("a"), bytes)
    assert_type(fetch.peek("a"), bytes | None)
    fetch.put(b"a", "a")
    await fetch(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    fetch.put("a", "a")  # type: ignore[call-overload] # pyright: ignore


assert_type(fetch.cache_info(), CacheInfo)
task: Callable[[str], Coroutine[Any, Any, bytes]] = fetch


# --- functions that say little


@memoise
def loose(uri: str) -> Any:
    """Return anything."""
    return uri


assert_type(loose("a"), Any)
loose("a")["key"][0].member()
loose.put(1, "a")
loose(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- methods


class Client:
    """Methods of every kind."""

    def __memo_key__(self) -> str:
        """Tell clients apart."""
        return "client"

    @github.memoise
    def get(self, uri: str, page: int = 1) -> bytes:
        """Keep what a method returns."""
        return uri.encode() * page

    @github.memoise(ignore=("self",))
    async def fetch(self, uri: str) -> bytes:
        """Keep what a coroutine method returns."""
        return uri.encode()

    @classmethod
    @github.memoise
    def made(cls, uri: str) -> int:
        """Keep what a class method returns."""
        return len(uri)

    @github.memoise
    @classmethod
    def made_too(cls, uri: str) -> int:
        """Keep what a class method returns, decorated from outside."""
        return len(uri)

    @staticmethod
    @memoise
    def helped(uri: str) -> int:
        """Keep what a static method returns."""
        return len(uri)

    @memoise()
    @staticmethod
    def helped_too(uri: str) -> int:
        """Keep what a static method returns, decorated from outside."""
        return len(uri)

    @property
    @github.memoise(ignore=("self",))
    def size(self) -> int:
        """Keep the value of a property."""
        return 1

    @github.memoise
    def found(self, uri: str) -> object:
        """Keep what a class below may know better."""
        return uri


class NarrowClient(Client):
    """One whose method returns more."""

    @github.memoise
    def found(self, uri: str) -> str:
        """Narrow the result, as an override may."""
        return uri


class Getter(Protocol):
    """What a class with a memoised method is asked for."""

    def get(self, uri: str) -> bytes:
        """Get a page."""
        ...

    async def fetch(self, uri: str) -> bytes:
        """Wait for a page."""
        ...

    @property
    def size(self) -> int:
        """Count."""
        ...


client = Client()
getter: Getter = client
assert_type(client.get("a"), bytes)
assert_type(client.get("a", page=2), bytes)
assert_type(client.get.cache_info(), CacheInfo)
assert_type(Client.get(client, "a"), bytes)
assert_type(Client.get.peek(client, "a"), bytes | None)
assert_type(Client.made("a"), int)
assert_type(client.made("a"), int)
assert_type(Client.made_too("a"), int)
assert_type(Client.helped("a"), int)
assert_type(client.helped_too("a"), int)
assert_type(client.size, int)

client.get(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
client.get()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
Client.made(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
Client.helped(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def methods_awaited() -> None:
    """Look at what coroutine methods give."""
    assert_type(await client.fetch("a"), bytes)
    await client.fetch(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- options that mean nothing

memoise(tll="1h")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
github.memoise(ignore="session")  # type: ignore[call-overload] # pyright: ignore
github.memoise(on_unstorable="shout")  # type: ignore[call-overload] # pyright: ignore
Cache("a.json", mode="offf")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
Cache("a.json", key="all")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


# --- caches

mapping: MutableMapping[str, Any] = github
assert_type(github["key"], Any)
assert_type(list(github), list[str])
assert_type(github.path, str | None)
assert_type(github.forget("outlive.*"), int)
Cache("redis://host/0", name="shop", near=1 << 20, on_store_error="raise")
Cache("redis://host/0", on_store_error="ignore")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

with github.mode("offline"), Cache(app="demo") as opened:
    assert_type(opened, Cache)
github[1]  # type: ignore[index] # pyright: ignore[reportArgumentType]

assert_type(cache_file, str)
assert_type(len(cache), int)
save_cache()
outlive.configure(ttl="1d", maxsize=10, mode="readonly")
outlive.disable()
annotated: outlive.Memoised[[str, int], list[str]] = memoise(ttl=1)(plain.__wrapped__)

try:
    own("a")
except CacheMiss as miss:
    assert_type(miss.function, str)
    assert_type(miss.key, str)


# --- long work

assert_type(list(own.map(["a", "b"], workers=4)), list[dict[str, int]])
assert_type(
    list(own.map(["a"], on_error="collect", progress=True)), list[dict[str, int] | outlive.Failed]
)
assert_type(own.sample(3)("a"), dict[str, int])
assert_type(list(github.map(own, ["a"], on_error="skip")), list[dict[str, int]])
own.map(["a"], on_error="ignore")  # type: ignore[call-overload] # pyright: ignore
own.map(3)  # type: ignore[call-overload] # pyright: ignore


@github.memoise(each="uris", batch=10)
def many(uris: list[str]) -> list[int]:
    """Keep each item by itself."""
    return list(map(len, uris))


@github.memoise
def streamed(uri: str) -> Iterator[str]:
    """Keep what was streamed."""
    yield uri


assert_type(many(["a"]), list[int])
assert_type(list(streamed("a")), list[str])


async def mapped() -> None:
    """Look at what maps of coroutine functions give."""
    assert_type([page async for page in fetch.amap(["a"])], list[bytes])
    async for page in github.amap(fetch, ["a"], on_error="collect"):
        assert_type(page, bytes | outlive.Failed)


# --- looking inside

assert_type(own.explain("a", page=2), outlive.Explanation)
assert_type(own.provenance("a"), outlive.Provenance | None)
assert_type(own.receipts(), outlive.Receipts)
assert_type(github.receipts().hits, int)
own.explain(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def hear(event: outlive.Event) -> None:
    """Hear of calls."""
    assert_type(event.reason, str | None)


Cache(None, on_hit=hear, on_miss=hear, on_store=hear, cost=0.5, depends=("numpy",))
