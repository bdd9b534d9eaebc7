"""Kinds of servers, and who uses them: passwords, TLS, sentinels, replicas, forks, greenlets."""

from __future__ import annotations

import signal
import socket
import threading
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from outlive import Cache
from support.outages import MANY, ask_all, calm_again, kept, warnings_in
from support.programs import Ended, Scripts, free_port
from support.sanitized import greenlets
from support.servers import ENGINES, Sentinel, Server, TlsServer, has_tls
from support.threads import until
from support.workers import Worker, expected


@pytest.mark.parametrize("password", ["wrong-and-secret", ""])
def test_passwords(tmp_path: Path, password: str) -> None:
    """With a wrong password calls compute, and the warning says what is wrong without the password."""
    with Server("redis", "--requirepass", "right-and-secret") as server:
        url = f"redis://:{{}}@{server.address}/0?timeout=5"
        with Worker(tmp_path, url.format(password) if password else server.url) as worker:
            ask_all(worker, range(50))
            said = worker.end()
        assert len(warnings_in(said)) == 1, said
        assert "secret" not in said
        assert "password" in said.lower() or "auth" in said.lower()
        with Worker(tmp_path, url.format("right-and-secret")) as worker:
            ask_all(worker, range(3))
            assert "secret" not in worker.ask("repr(cache) + str(cache.path) + repr(f)")
            assert worker.end() == ""
        with Worker(tmp_path, url.format("right-and-secret"), mode="offline") as worker:
            ask_all(worker, range(3))


def test_what_is_no_value_of_ours(server: Server, tmp_path: Path) -> None:
    """Whatever stands under a key of ours, it is computed anew, and no call fails."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(8))
    client = server.client()
    entries = server.entries()
    assert len(entries) == 8
    for bit, key in enumerate(entries):
        value = bytearray(client.get(key))
        if bit == 0:
            client.delete(key)
            client.lpush(key, "a list")
        elif bit == 1:
            client.set(key, b"")
        elif bit == 2:
            client.set(key, b"\x63" + bytes(value[1:]))  # of a later version
        else:
            at = (len(value) * bit // 8) - 1
            value[at] ^= 1 << bit % 8
            client.set(key, bytes(value))
    with Worker(tmp_path, server.url) as worker:
        for _ in range(2):
            ask_all(worker, range(8))
        assert "Traceback" not in worker.end()
    assert sorted(worker.calls()) == sorted([*range(8), *range(8)])


@pytest.mark.parametrize("forbidden", ["-client|tracking", "-client", "-hello", "-info"])
def test_managed_servers(server: Server, tmp_path: Path, forbidden: str) -> None:
    """A server that forbids a command of no need still keeps results, and others see what one forgets."""
    client = server.client()
    client.execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", forbidden)
    url = f"redis://app:secret@{server.address}/0?timeout=5"
    with Worker(tmp_path, url) as one, Worker(tmp_path, url) as other:
        for _ in range(3):
            ask_all(one, range(20))
            ask_all(other, range(20))
        assert one.calls() == list(range(20))
        first = one.ask("count()")
        assert other.ask("count()") == first
        one.ask("count.forget()")
        until(lambda: other.ask("count()") != first)
        one.end(), other.end()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("engine", ENGINES)
def test_news_after_silence(tmp_path: Path, engine: str, protocol: int) -> None:
    """News that come after seconds of silence are heard on the same connection, by both protocols."""
    without = ["--rename-command", "HELLO", ""] if protocol == 2 else []
    with (
        Server(engine, *without) as server,
        Worker(tmp_path, server.url) as one,
        Worker(tmp_path, server.url) as other,
    ):
        client, old = server.client(), one.ask("count()")

        def listeners(flag: str) -> set[str]:
            return {it["id"] for it in client.client_list() if flag in it["flags"]}

        assert other.ask("count()") == old
        until(lambda: len(listeners("t")) == 2)
        before, subscribed = listeners("t"), listeners("P")
        assert len(subscribed) == (2 if protocol == 2 else 0)
        for silence in (2.5, 1.2, 13):
            assert other.ask("count()") == old
            time.sleep(silence)
            one.ask("count.forget()")
            until(lambda old=old: other.ask("count()") != old)  # type: ignore[misc]
            old = other.ask("count()")
        # Who connects anew forgets everything, and sees the news that it missed.
        assert (listeners("t"), listeners("P")) == (before, subscribed)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals here")
def test_signals(server: Server, tmp_path: Path) -> None:
    """Signals that the program handles while a server answers are no outage, however many."""
    ended = Scripts(tmp_path)(SIGNALS, server.url)
    assert (ended.status, ended.err) == (0, ""), ended
    signals, misses, stored = map(int, ended.out.split())
    assert (signals > 100, misses, stored) == (True, 1500, 1500)


SIGNALS = """
    import signal, sys
    from outlive import Cache
    signals = []
    signal.signal(signal.SIGALRM, lambda *_: signals.append(1))
    cache = Cache(sys.argv[1], near=0)
    f = cache.memoise(name="f")(lambda x: [x])
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    while f.cache_info().misses < 1500:
        n = f.cache_info().misses
        assert (f(n), f(n)) == ([n], [n])
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(len(signals), f.cache_info().misses, len(cache))
    cache.close()
"""


@pytest.mark.parametrize("less", [[], ["-time"]])
def test_documented_rights(server: Server, tmp_path: Path, less: list[str]) -> None:
    """The rights that the documentation names suffice, also to clear and for sentinels."""
    page = Path(__file__).parents[3] / "docs" / "redis.md"
    line = next(it for it in page.read_text("utf-8").splitlines() if it.startswith("ACL SETUSER"))
    client = server.client()
    client.execute_command(*line.split(), *less)
    url = f"redis://shop:password@{server.address}/0?timeout=5"
    with Worker(tmp_path, url, name="shop") as worker:
        for action in ("f.forget(1)", "f.cache_clear()", "cache.forget('f(*')", "cache.clear()"):
            ask_all(worker, range(4))
            worker.ask(action)
            if "clear" in action:
                assert worker.ask("len(cache)") == 0
        ask_all(worker, range(2))
        assert worker.ask("sorted(map(len, cache.values()))") == [2, 2]
        assert worker.end() == ""
    client.execute_command("AUTH", "shop", "password")
    assert client.execute_command("ROLE")[0] == b"master"


def test_keys_of_others(server: Server, tmp_path: Path) -> None:
    """Nothing that is done to a cache looks at all keys of a server, or touches those of others."""
    client = server.client()
    client.mset({"mine": "1", "outlive": "2", "outlive:shop2:e:x": "3", "outlive:*": "4"})
    client.config_resetstat()
    with Worker(tmp_path, server.url, name="shop") as worker:
        ask_all(worker, range(30))
        for action in ("f.forget(1)", "f.cache_clear()", "f(2)", "len(cache)", "sorted(cache)",
                       "cache.forget('f(*')", "f(3)", "cache.clear()", "cache.prune(older_than=1)",
                       "cache.save()", "cache.close()"):  # fmt: skip
            worker.ask(action)
        worker.end()
    assert not server.called().keys() & {"keys", "flushdb", "flushall", "config|set", "dbsize"}
    assert client.mget("mine", "outlive", "outlive:shop2:e:x", "outlive:*") == [
        b"1",
        b"2",
        b"3",
        b"4",
    ]


def test_raised(tmp_path: Path, server: Server) -> None:
    """With ``on_store_error="raise"`` a call tells the caller that the server is not there."""
    with Worker(tmp_path, server.url, on_store_error="raise") as worker:
        ask_all(worker, range(3))
        server.kill()
        said = worker.ask("f(1000)")
        assert isinstance(said, str)
        assert said.startswith("StoreError: ")
        assert server.address in said
        server.start()
        until(lambda: worker.ask("f(1001)") == expected(1001))
        worker.end()


def test_tls(tmp_path: Path) -> None:
    """Over TLS a server is believed if its certificate is, and nobody else is."""
    if not has_tls("redis"):
        pytest.skip("this redis-server was built without TLS")
    with TlsServer("redis") as server:
        for name in ("localhost", "127.0.0.1"):
            url = f"rediss://{name}:{server.port}/0?timeout=5&ca={server.authority}"
            with Worker(tmp_path, url, name=name) as worker:
                ask_all(worker, range(20))
                assert worker.end() == ""
            with Worker(tmp_path, url, name=name, mode="offline") as worker:
                ask_all(worker, range(20))
        before = len(server.stored())
        for url in (server.url, f"redis://{server.address}/0?timeout=5"):
            with Worker(tmp_path, url) as worker:
                ask_all(worker, range(50))
                said = worker.end()
            assert len(warnings_in(said)) == 1, said
        assert len(server.stored()) == before


def test_failover(tmp_path: Path) -> None:
    """When a sentinel makes the replica the primary, results go there, and what it has is served."""
    with Server("redis") as primary:
        words = ("--replicaof", primary.host, str(primary.port))
        with Server("redis", *words) as replica, Sentinel("redis", primary) as sentinel:
            url = f"redis+sentinel://127.0.0.1:{free_port()},{sentinel.address}/service/0?timeout=5"
            watcher = sentinel.client()
            until(lambda: watcher.execute_command("SENTINEL", "REPLICAS", "service"))
            with Worker(tmp_path, url) as worker:
                ask_all(worker, range(20))
                until(lambda: set(range(20)) <= kept(replica))
                primary.kill()
                ask_all(worker, range(MANY))
                calm_again(worker, replica)
                until(lambda: set(range(MANY)) <= kept(replica))
                said = worker.end()
            assert len(warnings_in(said)) == 2, said
            with Worker(tmp_path, url, mode="offline") as worker:
                ask_all(worker, range(MANY))


def test_a_primary_that_became_a_replica(server: Server, tmp_path: Path) -> None:
    """A server that only reads since a failover is told of once; its results are served."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(10))
        with Server(server.engine) as other:
            server.client().execute_command("REPLICAOF", other.host, other.port)
            ask_all(worker, range(MANY))
            server.client().execute_command("REPLICAOF", "NO", "ONE")
        calm_again(worker, server)
        said = worker.end()
    assert 1 <= len(warnings_in(said)) <= 2, said


FORKS = """
    import ctypes, os, sys, threading, warnings
    from outlive import Cache
    warnings.simplefilter("ignore", DeprecationWarning)
    cache, going, wrong = Cache(sys.argv[1], near=0), True, []
    get = cache.memoise(name="get", on_code_change="ignore")(lambda n: [n, str(n) * 50])

    def ask(first):
        n = first
        while going:
            if get(n) != [n, str(n) * 50]:
                wrong.append(n)
            n = first + (n + 1) % 500

    assert get(1) == [1, "1" * 50]
    # Python's own locks do not survive a fork in C that another thread of Python's sees.
    number, fork = (2, os.fork) if sys.argv[2] == "python" else (0, ctypes.PyDLL(None).fork)
    threads = [threading.Thread(target=ask, args=(n * 1000,)) for n in range(number)]
    for thread in threads: thread.start()
    children = []
    for child in range(8):
        pid = fork()
        if not pid:
            for n in range(child * 100, child * 100 + 100):
                if get(n) != [n, str(n) * 50]:
                    os._exit(1)
            cache[f"child {child}"] = child
            os._exit(0 if cache[f"child {child}"] == child else 2)
        children.append(pid)
        cache[f"parent {child}"] = child
    ended = [os.waitpid(pid, 0)[1] for pid in children]
    going = False
    for thread in threads: thread.join()
    found = [cache[f"{who} {n}"] for who in ("child", "parent") for n in range(8)]
    print(ended, wrong, found == [*range(8), *range(8)])
"""


@pytest.mark.parametrize("door", ["python", "c"])
def test_forks(server: Server, tmp_path: Path, door: str) -> None:
    """Parent and children share no connection, so that none gets the other's answer."""
    ended = Scripts(tmp_path)(FORKS, server.url, door)
    assert ended == Ended(f"{[0] * 8} [] True\n", "", 0)


@greenlets
def test_greenlets(server: Server, tmp_path: Path) -> None:
    """Under gevent each key is computed once, whatever waits for whom."""
    if find_spec("gevent") is None:  # it has no wheel for 3.15t
        pytest.skip("no gevent")
    # Without a GIL, Python tells that gevent needs one.
    printed = Scripts(tmp_path).output(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent, sys
        from outlive import Cache
        cache, calls = Cache(sys.argv[1]), []
        @cache.memoise(name="f")
        def f(n):
            calls.append(n)
            gevent.sleep(0.02)
            return [n]
        jobs = [gevent.spawn(f, n % 10) for n in range(100)]
        gevent.joinall(jobs, timeout=30)
        print([job.value for job in jobs] == [[n % 10] for n in range(100)], sorted(calls))
        """,
        server.url,
        PYTHONWARNINGS="ignore::RuntimeWarning",
    )
    assert printed == f"True {list(range(10))}\n"


@pytest.mark.parametrize("step", range(4))
def test_killed_while_it_stores(server: Server, tmp_path: Path, step: int) -> None:
    """Of a process that is killed at any moment the server has whole results only, and all that returned."""
    worker = Worker(tmp_path, server.url, near=0)
    asked = worker.begin("[f(n) for n in range(10**6)]")
    until(lambda: len(worker.calls()) > 50 + 37 * step)
    worker.kill()
    asked.finish()
    last = worker.calls()[-1]
    with Worker(tmp_path, server.url, mode="offline") as later:
        ask_all(later, range(last))
        later.end()


def said_of(url: str) -> str:
    """Why the cache at this URL cannot be used."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cache = Cache(url)
        assert cache.memoise(name="f")(lambda x: [x])(1) == [1]
        cache.close()
    return str(told[0].message)


def test_what_is_wrong_with_a_url(server: Server, tmp_path: Path) -> None:
    """The one warning says what is wrong: the database, the certificate's file, the kind of server."""
    assert "DB index is out of range" in said_of(server.at(99))
    missing = tmp_path / "ca.pem"
    assert f"{missing} cannot be read" in said_of(f"rediss://{server.address}/0?ca={missing}")
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"redis://127.0.0.1:{other.getsockname()[1]}/0?timeout=5"
        answering = threading.Thread(target=answer_strangely, args=(other,), daemon=True)
        answering.start()
        assert "neither Redis nor Valkey" in said_of(url)


def answer_strangely(listener: socket.socket) -> None:
    """Answer each client as another kind of server."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # closed
        with client, suppress(OSError):
            client.recv(65536)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            client.recv(65536)
