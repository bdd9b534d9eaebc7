"""A server that is stopped, killed, slow, full, forbidden or not there: calls go on, and nothing is wrong."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from support.outages import MANY, ask_all, calm_again, kept, warnings_in
from support.programs import Scripts, free_port
from support.proxy import Proxy
from support.servers import Server
from support.threads import until
from support.workers import Worker


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
