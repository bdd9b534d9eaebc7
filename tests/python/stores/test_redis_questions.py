"""What a server is asked: how often, and by how many threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outlive import Cache
from support.proxy import Proxy
from support.servers import Server
from support.threads import STUCK, Worker, until

THREADS = 6


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy before a server of each engine."""
    with Proxy(server.host, server.port) as proxy:
        yield proxy


def quiet(proxy: Proxy) -> int:
    """How much was asked so far, once threads and news are quiet."""
    while True:
        before = proxy.questions
        time.sleep(0.2)
        if proxy.questions == before and not proxy.in_flight:
            return before


def questions(proxy: Proxy, work: Callable[[], Any]) -> int:
    """How often the server is asked for something."""
    before = quiet(proxy)
    work()
    return quiet(proxy) - before


@pytest.mark.parametrize("near", [None, 0])
def test_round_trips(proxy: Proxy, near: int | None) -> None:
    """A miss asks twice, a near hit not at all, one that is not near once."""
    cache = Cache(proxy.url(), near=near)
    get = cache.memoise(name="get")(lambda x: [x])
    get(0)
    assert questions(proxy, lambda: get(1)) == 2
    get(0)  # the news that it was stored is there: it was dropped, and is at hand again
    assert questions(proxy, lambda: [get(0) for _ in range(10)]) == (10 if near == 0 else 0)


def test_scripts_are_sent_once(server: Server, proxy: Proxy) -> None:
    """A server that has forgotten the scripts is sent them once more, and nothing is lost."""
    get = Cache(proxy.url()).memoise(name="get")(lambda x: [x])
    get(0)
    server.client().script_flush()
    server.client().config_resetstat()
    assert questions(proxy, lambda: get(1)) == 4
    assert questions(proxy, lambda: get(2)) == 2
    assert {how: server.called()[how] for how in ("eval", "evalsha")} == {"eval": 2, "evalsha": 4}
    again = Cache(server.url).memoise(name="get", on_code_change="ignore")(lambda x: [x])
    assert [again(1), again(2)] == [[1], [2]]
    assert again.cache_info().misses == 0


def test_round_trips_of_what_others_made(server: Server, proxy: Proxy) -> None:
    """The first hit on a result of another process asks once, and takes no lease."""
    theirs = Cache(server.url).memoise(name="get", on_code_change="ignore")(lambda x: [x])
    ours = Cache(proxy.url()).memoise(name="get", on_code_change="ignore")(lambda x: [x])
    theirs(1), theirs(2), ours(1)
    assert questions(proxy, lambda: ours(2)) == 1
    assert ours.cache_info().misses == 0


@pytest.mark.parametrize("near", [None, 0])
def test_round_trips_of_what_has_expired(proxy: Proxy, near: int | None) -> None:
    """A result that is too old is looked at once if it is not at hand, and then made as any other."""
    get = Cache(proxy.url(), near=near).memoise(name="get", ttl=1)(lambda x: [x])
    get(0), get(1), quiet(proxy), get(1)
    time.sleep(1)
    assert questions(proxy, lambda: get(1)) == (3 if near == 0 else 2)
    assert get.cache_info().expired == 1


def asked_at_once(proxy: Proxy, get: Any) -> list[Worker]:
    """Threads that call ``get``, after the questions of all were under way at one moment."""
    proxy.hold()
    workers = [Worker(get, x) for x in range(THREADS)]
    until(lambda: proxy.in_flight == THREADS)
    proxy.let_go()
    return workers


def test_misses_at_once(proxy: Proxy) -> None:
    """Threads that miss different keys ask at once, and store at once."""
    computing, going = [], threading.Event()

    @Cache(proxy.url(20)).memoise(name="get")
    def get(x: int) -> list[int]:
        if x < THREADS:
            computing.append(x)
            assert going.wait(STUCK)
        return [x]

    get(THREADS)
    quiet(proxy)
    workers = asked_at_once(proxy, get)
    until(lambda: len(computing) == THREADS)
    proxy.hold()
    going.set()
    until(lambda: proxy.in_flight == THREADS)
    proxy.let_go()
    assert [worker.result() for worker in workers] == [[x] for x in range(THREADS)]


@pytest.mark.parametrize("near", [None, 0])
def test_results_of_many_threads(server: Server, near: int | None) -> None:
    """What many threads compute is all on the server, whatever news of their own they hear meanwhile."""
    get = Cache(server.url, near=near).memoise(name="get")(lambda x: [x])
    assert list(get.map(range(300), workers=THREADS)) == [[x] for x in range(300)]
    assert len(server.entries()) == 300
    assert "unlink" not in server.called()


def test_first_hits_at_once(server: Server, proxy: Proxy) -> None:
    """Threads that ask for results of other processes do so at once."""
    theirs = Cache(server.url).memoise(name="get", on_code_change="ignore")(lambda x: [x])
    assert [theirs(x) for x in range(THREADS + 1)]
    ours = Cache(proxy.url(20)).memoise(name="get", on_code_change="ignore")(lambda x: [x])
    ours(THREADS)
    quiet(proxy)
    workers = asked_at_once(proxy, ours)
    assert [worker.result() for worker in workers] == [[x] for x in range(THREADS)]
    assert ours.cache_info().misses == 0


ACTIONS: dict[str, Callable[[Cache, Any], Any]] = {
    "len": lambda cache, get: len(cache),
    "list": lambda cache, get: list(cache),
    "in": lambda cache, get: "x" in cache,
    "read": lambda cache, get: cache.get("x"),
    "write": lambda cache, get: cache.__setitem__("x", 1),
    "peek": lambda cache, get: get.peek(5),
    "forget": lambda cache, get: get.forget(5),
    "forget nothing": lambda cache, get: get.forget(6),
    "clear": lambda cache, get: cache.clear(),
    "clear a function": lambda cache, get: get.cache_clear(),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_waits_for_others(proxy: Proxy, action: str) -> None:
    """Whatever one thread asks of a slow server, a miss of another thread asks beside it."""
    cache = Cache(proxy.url(20))
    get = cache.memoise(name="get")(lambda x: [x])
    get(5)
    quiet(proxy)
    proxy.hold()
    asking = Worker(ACTIONS[action], cache, get)
    until(lambda: proxy.in_flight == 1)
    before, missing = proxy.questions, Worker(get, 1)
    until(lambda: proxy.in_flight == 2)
    assert proxy.questions == before + 1  # and nobody has asked whether the server is still there
    proxy.let_go()
    asking.result()
    assert missing.result() == [1]


def test_an_answer_that_was_overtaken(server: Server, proxy: Proxy) -> None:
    """An answer under way while the key is forgotten is not kept: the next call computes."""
    theirs = Cache(server.url).memoise(name="get", on_code_change="ignore")(lambda x: ["old"])
    ours = Cache(proxy.url(20)).memoise(name="get", on_code_change="ignore")(lambda x: ["new"])
    ways: list[Callable[[], Any]] = [
        lambda: ours.forget(0),
        ours.cache_clear,
        lambda: ours.put(["new"], 2),
        lambda: theirs.forget(3),
    ]
    for n, forget in enumerate(ways):
        theirs(n)
        ours(100)
        quiet(proxy)
        proxy.hold(1)
        asking = Worker(ours, n)
        until(lambda: proxy.held == 1)
        forget()
        time.sleep(0.1)  # the news of it overtake the answer
        proxy.let_go()
        assert asking.result() == ["old"]
        until(lambda n=n: ours(n) == ["new"])  # type: ignore[misc]


def test_a_result_that_was_overtaken(proxy: Proxy) -> None:
    """A result that is forgotten while it is stored is not kept."""
    calls: list[int] = []
    going = threading.Event()
    cache = Cache(proxy.url(20))

    @cache.memoise(name="get")
    def get(x: int) -> list[int]:
        calls.append(x)
        assert going.wait(STUCK)
        return [len(calls)]

    for n, forget in enumerate([lambda: get.forget(0), get.cache_clear, cache.clear]):
        going.clear()
        quiet(proxy)
        storing = Worker(get, n)
        until(lambda n=n: n in calls)  # type: ignore[misc]
        proxy.hold(1)
        going.set()
        until(lambda: proxy.held == 1)
        forget()
        proxy.let_go()
        before = storing.result()
        assert get(n) != before


@pytest.fixture
def held_up(proxy: Proxy) -> tuple[Any, list[int], threading.Event]:
    """A function of another machine, what it computes, and what it waits for."""
    calls: list[int] = []
    going = threading.Event()

    @Cache(proxy.url(20)).memoise(name="get", on_code_change="ignore")
    def get(x: int) -> list[str]:
        calls.append(x)
        assert going.wait(STUCK)
        return ["old"]

    return get, calls, going


HeldUp = tuple[Any, list[int], threading.Event]


def test_a_result_that_another_machine_outdates(
    server: Server, proxy: Proxy, held_up: HeldUp
) -> None:
    """What is forgotten while it is computed is not kept, though another one computed it since."""
    theirs, calls, going = held_up
    cache = Cache(server.url)
    ours = cache.memoise(name="get", on_code_change="ignore")(lambda x: ["new"])
    purges: list[Callable[[], Any]] = [
        lambda: ours.forget(0),
        lambda: cache.forget("get(*"),
        lambda: ours.forget_where(x=2),
        lambda: ours.put(["new"], 3),
    ]
    for n, purge in enumerate(purges):
        going.clear()
        late = Worker(theirs, n)
        until(lambda n=n: n in calls)  # type: ignore[misc]
        purge()
        assert ours(n) == ["new"]
        going.set()
        assert late.result() == ["old"]
        quiet(proxy)
        assert ours(n) == theirs(n) == ["new"]


def test_a_mark_that_runs_out(server: Server, held_up: HeldUp) -> None:
    """A result that was forgotten is not kept, though it takes longer than a lease without renewals."""
    theirs, calls, going = held_up
    ours = Cache(server.url).memoise(name="get", on_code_change="ignore")(lambda x: ["new"])
    late = Worker(theirs, 0)
    until(lambda: calls == [0])
    ours.forget(0)
    time.sleep(4)  # leases are renewed every three seconds
    server.client().delete(*server.leases())  # as the server does in the end
    going.set()
    assert late.result() == ["old"]
    assert ours.peek(0) is None
