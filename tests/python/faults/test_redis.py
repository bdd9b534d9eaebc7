"""A server that is stopped, killed, slow, full, forbidden or not there: calls go on, and nothing is wrong."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import valkey

from support.programs import Ended, Scripts, free_port
from support.proxy import Proxy
from support.servers import Sentinel, Server, TlsServer, has_tls
from support.threads import until
from support.workers import Worker, expected

#: The word that begins each warning about a store.
WARNS = "CacheFileWarning"
#: How many calls a test makes while nobody answers. If each waited for the timeout, it would hang.
MANY = 400


def kept(server: Server) -> set[int]:
    """The numbers whose results of ``f`` are on a server."""
    try:
        keys = [key.decode() for key in server.entries()]
    except valkey.exceptions.ConnectionError:
        return set()  # it changes its role at the moment
    return {int(key.split("n=")[1].split(",")[0]) for key in keys if "f(n=" in key}


def ask_all(worker: Worker, numbers: range) -> None:
    """Call ``f`` with all numbers; each answer must be right."""
    program = f"[f(n) for n in range({numbers.start}, {numbers.stop})]"
    assert worker.ask(program) == [expected(n) for n in numbers]


def warnings_in(said: str) -> list[str]:
    """The warnings about the server, but that at the end of what it has not got."""
    return [
        line
        for line in said.splitlines()
        if WARNS in line and "changes that wait for it" not in line
    ]


def calm_again(worker: Worker, server: Server) -> None:
    """Call until results reach the server again."""
    numbers = iter(range(10**6, 10**9))

    def is_kept() -> bool:
        number = next(numbers)
        worker.ask(f"f({number})")
        time.sleep(0.05)
        return number in kept(server)

    until(is_kept)


def test_not_there(tmp_path: Path) -> None:
    """Without a server calls compute, what they gave is served in the process, and one warning says so."""
    url = f"redis://user:very-secret@127.0.0.1:{free_port()}/0"
    with Worker(tmp_path, url) as worker:
        for _ in range(2):
            ask_all(worker, range(MANY))
        assert "very-secret" not in worker.ask("repr(cache) + str(cache.path)")
        said = worker.end()
    assert worker.calls() == list(range(MANY))
    assert (len(warnings_in(said)), "very-secret" in said, "Traceback" in said) == (
        1,
        False,
        False,
    ), said


def test_stopped(server: Server, tmp_path: Path) -> None:
    """While a server is stopped calls go on; when it goes on, it gets what was computed meanwhile."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(10))
        server.pause()
        ask_all(worker, range(10, MANY))
        server.resume()
        calm_again(worker, server)
        until(lambda: set(range(MANY)) <= kept(server))
        said = worker.end()
    assert len(warnings_in(said)) == 2, said
    with Worker(tmp_path, server.url, mode="offline") as later:
        ask_all(later, range(MANY))


def test_closed_before_it_is_tried_again(server: Server, tmp_path: Path) -> None:
    """A server that is back, and that nobody has tried since, gets what waits for it at the close."""
    with Worker(tmp_path, server.url) as worker:
        server.pause()
        ask_all(worker, range(10))
        time.sleep(1.5)  # the pause until the next try is two seconds now
        server.resume()
        said = worker.end()
    assert set(range(10)) <= kept(server), said


def test_cleared_while_stopped(server: Server, tmp_path: Path) -> None:
    """What was cleared while a server was stopped goes from it, too, and what came later stays."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(MANY))
        server.pause()
        worker.ask("cache.clear()")
        ask_all(worker, range(10))
        server.resume()
        calm_again(worker, server)
        until(lambda: kept(server).isdisjoint(range(10, MANY)))
        assert set(range(10)) <= kept(server)
        worker.end()


def test_killed_and_restarted(server: Server, tmp_path: Path) -> None:
    """A server that comes back empty is used again, and what it lost is not served from memory for ever."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(10))
        server.kill()
        ask_all(worker, range(10, MANY))
        server.start()
        calm_again(worker, server)
        until(lambda: set(range(10, MANY)) <= kept(server))
        ask_all(worker, range(MANY))
        said = worker.end()
    assert len(warnings_in(said)) == 2, said


def test_a_pause_of_clients(server: Server, tmp_path: Path) -> None:
    """A server that holds its clients up for a while costs no result."""
    with Worker(tmp_path, server.at(timeout=0.25)) as worker:
        ask_all(worker, range(10))
        server.client().execute_command("CLIENT", "PAUSE", 1500, "ALL")
        ask_all(worker, range(MANY))
        calm_again(worker, server)
        until(lambda: set(range(MANY)) <= kept(server))
        worker.end()


def test_many_outages(server: Server, tmp_path: Path) -> None:
    """Each outage is told once, and each end of one."""
    with Worker(tmp_path, server.url) as worker:
        for outage in range(1, 4):
            server.kill()
            ask_all(worker, range(outage * MANY, (outage + 1) * MANY))
            server.start()
            calm_again(worker, server)
        said = worker.end()
    assert len(warnings_in(said)) == 6, said


def test_full(server: Server, tmp_path: Path) -> None:
    """A server that takes no more is told of once: it is still read, and written once there is room."""
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(20))
    server.client().config_set("maxmemory", "1")
    server.client().config_set("maxmemory-policy", "noeviction")
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(MANY))
        assert worker.calls().count(7) == 1  # the server had it
        server.client().config_set("maxmemory", "0")
        calm_again(worker, server)
        said = worker.end()
    assert 1 <= len(warnings_in(said)) <= 2, said
    assert "Traceback" not in said


def test_what_a_server_throws_out(server: Server, tmp_path: Path) -> None:
    """A server that makes room by dropping what was not used lately costs calls, and nothing else."""
    client = server.client()
    client.config_set("maxmemory", str(client.info("memory")["used_memory"] + (1 << 20)))
    client.config_set("maxmemory-policy", "allkeys-lru")
    program = """
        import sys
        from outlive import Cache
        cache, calls = Cache(sys.argv[1], near=100_000), []
        @cache.memoise(name="page", secret=("token",))
        def page(n, token):
            calls.append(n)
            return f"{n:08}" * 600
        for _ in range(2):
            assert [page(n, "secret") for n in range(1500)] == [f"{n:08}" * 600 for n in range(1500)]
        print(1500 <= len(calls) <= 3000)
    """
    ended = Scripts(tmp_path)(program, server.url)
    assert (ended.out, ended.status) == ("True\n", 0), ended
    assert client.info("stats")["evicted_keys"]


@pytest.mark.parametrize("seed", range(3))
def test_late_answers(server: Server, tmp_path: Path, seed: int) -> None:
    """An answer that comes too late is never taken for that to another question."""
    with Proxy(server.host, server.port) as proxy:
        program = """
            import random, sys, threading
            from outlive import Cache
            cache = Cache(sys.argv[1], near=0)
            get = cache.memoise(name="get", on_code_change="ignore")(lambda n: [n, str(n) * 50])
            wrong = []
            def ask(seed):
                choose = random.Random(seed)
                for _ in range(1500):
                    n = choose.randrange(300)
                    if get(n) != [n, str(n) * 50]:
                        wrong.append(n)
            threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print(wrong)
        """
        going = True

        def disturb() -> None:
            step = seed
            while going:
                proxy.delay = (0, 0.1, 0, 0.04)[step % 4]
                step += 1
                time.sleep(0.03)

        disturber = threading.Thread(target=disturb)
        disturber.start()
        try:
            ended = Scripts(tmp_path)(program, proxy.url(0.05))
        finally:
            going = False
            disturber.join()
    assert (ended.out, ended.status) == ("[]\n", 0), ended


@pytest.mark.parametrize("size", [0, 1, 7, 100, 1000, 5000])
def test_cut_in_the_middle(server: Server, tmp_path: Path, size: int) -> None:
    """Whatever part of an answer arrives before a connection breaks, no call fails or is wrong."""
    with Worker(tmp_path, server.url) as before:
        ask_all(before, range(250, 300))
    with Proxy(server.host, server.port) as proxy, Worker(tmp_path, proxy.url(), near=0) as worker:
        proxy.cut_after = size
        ask_all(worker, range(250, 300))
        proxy.cut_after = None
        proxy.cut()
        calm_again(worker, server)
        worker.end()


def test_idle_connections_that_are_cut(server: Server, tmp_path: Path) -> None:
    """Connections that a firewall or a server cut while nobody used them cost no call, and no word."""
    with Proxy(server.host, server.port) as proxy, Worker(tmp_path, proxy.url(), near=0) as worker:
        for first in range(0, 50, 10):
            ask_all(worker, range(first, first + 10))
            proxy.cut()
            time.sleep(0.05)
        assert set(range(41)) <= kept(server)
        assert worker.end() == ""
    assert len(set(worker.calls())) == len(worker.calls())


def test_who_never_answers(tmp_path: Path) -> None:
    """A port that takes connections and says nothing is given up after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        with Worker(tmp_path, url) as worker:
            ask_all(worker, range(MANY))
            said = worker.end()
    assert len(warnings_in(said)) == 1, said


def test_who_speaks_something_else(tmp_path: Path) -> None:
    """A port behind which there is another kind of server is an outage as any other."""
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with Worker(tmp_path, f"redis://127.0.0.1:{other.server_port}/0") as worker:
            ask_all(worker, range(50))
            said = worker.end()
        other.shutdown()
    assert len(warnings_in(said)) == 1, said


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


def test_no_more_clients(server: Server, tmp_path: Path) -> None:
    """A server that has too many clients is one that is down."""
    held = server.client()
    held.ping()
    held.config_set("maxclients", "1")
    with Worker(tmp_path, server.url) as worker:
        ask_all(worker, range(50))
        held.config_set("maxclients", "1000")
        calm_again(worker, server)
        said = worker.end()
    assert len(warnings_in(said)) == 2, said


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


def test_greenlets(server: Server, tmp_path: Path) -> None:
    """Under gevent each key is computed once, whatever waits for whom."""
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
