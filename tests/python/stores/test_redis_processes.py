"""Results on a server that several processes use, as those of several machines would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.machines import Network, inside, network
from support.servers import ENGINES, Server
from support.threads import until
from support.workers import Worker, expected

MACHINES = 3


@contextmanager
def fleet(engine: str, folder: Path) -> Iterator[tuple[Server, list[Worker], Network | None]]:
    """A server, and a process on each of three machines, or three processes where there are none."""
    with ExitStack() as stack:
        machines = stack.enter_context(network(MACHINES))
        host = "127.0.0.1" if machines is None else machines.host
        server = stack.enter_context(Server(engine, host=host))
        workers = [
            stack.enter_context(Worker(folder, server.url, before=inside(machines, n)))
            for n in range(MACHINES)
        ]
        yield server, workers, machines


@pytest.mark.parametrize("engine", ENGINES)
def test_three_machines_compute_once(engine: str, tmp_path: Path) -> None:
    """What three machines ask for at once is computed on one of them, and all get it."""
    with fleet(engine, tmp_path) as (_, workers, _):
        asked = [worker.begin("[f(n, 0.01) for n in range(40)]") for worker in workers]
        for answer in asked:
            assert answer.result() == [expected(n) for n in range(40)]
        assert workers[0].calls() == list(range(40))
        assert [worker.end() for worker in workers] == [""] * MACHINES


def until_another(worker: Worker, answer: object) -> None:
    """Wait until a worker's ``count()`` is another than this."""
    until(lambda: worker.ask("count()") != answer)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_one_forgets_all_miss(engine: str, tmp_path: Path) -> None:
    """A machine that serves a result from its table sees what another one forgets, clears or replaces."""
    with fleet(engine, tmp_path) as (_, (one, other, third), _):
        for action in ("count.forget()", "count.cache_clear()", "cache.clear()",
                       "cache.forget('count(*')", "count.refresh()", "count.put([0, 0])",
                       "cache.pop('count()')"):  # fmt: skip
            before = one.ask("count()")
            for worker in (one, other, third):
                assert [worker.ask("count()") for _ in range(4)] == [before] * 4
            other.ask(action)
            for worker in (one, third):
                until_another(worker, before)
            assert one.ask("count()") == third.ask("count()") == other.ask("count()")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_machine_that_is_cut_off(engine: str, tmp_path: Path) -> None:
    """A machine without its network computes for itself; back in it, it sees what others did."""
    with fleet(engine, tmp_path) as (_, (one, other, _), machines):
        if machines is None:
            pytest.skip("network namespaces cannot be made here")
        before = one.ask("count()")
        assert other.ask("count()") == before
        machines.cut(0)
        other.ask("count.forget()")
        after = other.ask("count()")
        assert one.ask("[f(n) for n in range(200)]") == [expected(n) for n in range(200)]
        machines.mend(0)
        until(lambda: one.ask("count()") == after)
        one.end(), other.end()


@pytest.fixture
def redis() -> Iterator[Server]:
    """One engine alone, for what takes as long as a lease does."""
    with Server("redis") as server:
        yield server


def waiting(server: Server, folder: Path) -> tuple[Worker, Worker]:
    """Two processes, the first of which computes ``f(1)`` for a minute."""
    holder, other = Worker(folder, server.url), Worker(folder, server.url)
    assert other.ask("f(0)") == expected(0)
    holder.begin("f(1, 60)")
    until(lambda: 1 in holder.calls())
    return holder, other


def test_a_holder_that_is_killed(redis: Server, tmp_path: Path) -> None:
    """When the process that computes a key is killed, its lease runs out and another one computes."""
    holder, other = waiting(redis, tmp_path)
    with holder, other:
        asked = other.begin("f(1, 60)")
        time.sleep(0.3)
        assert other.calls().count(1) == 1
        holder.kill()
        until(lambda: other.calls().count(1) == 2)
        other.kill()
        asked.finish()


def test_a_holder_that_is_paused(redis: Server, tmp_path: Path) -> None:
    """A process that is stopped while it computes loses its lease; going on later does no harm."""
    program = "f(1, 2)"
    with Worker(tmp_path, redis.url) as holder, Worker(tmp_path, redis.url) as other:
        other.ask("f(0)")
        held = holder.begin(program)
        until(lambda: 1 in holder.calls())
        holder.pause()
        assert other.ask(program) == expected(1)
        assert other.calls().count(1) == 2
        holder.resume()
        assert held.result() == expected(1)
        assert (holder.ask(program), other.ask(program)) == (expected(1), expected(1))
        assert other.calls().count(1) == 2
        assert [holder.end(), other.end()] == ["", ""]


def test_a_lease_is_renewed(redis: Server, tmp_path: Path) -> None:
    """A call that takes longer than a lease is waited for all the same."""
    with Worker(tmp_path, redis.url) as holder, Worker(tmp_path, redis.url) as other:
        held = holder.begin("f(1, 13)")
        until(lambda: 1 in holder.calls())
        assert other.ask("f(1, 13)") == expected(1)
        assert held.result() == expected(1)
        assert other.calls() == [1]


FAILS = """
@cache.memoise(name="g", on_code_change="ignore")
def g(seconds):
    note(1)
    time.sleep(seconds)
    raise OSError("failed")
"""


def test_a_call_that_raises(server: Server, tmp_path: Path) -> None:
    """When the process that computes a key fails, one that waits computes, at once."""
    with Worker(tmp_path, server.url) as holder, Worker(tmp_path, server.url) as other:
        for worker in (holder, other):
            worker.ask(f"exec({FAILS!r})")
        held = holder.begin("g(1)")
        until(holder.calls)
        asked = other.begin("g(1)")
        assert held.result() == asked.result() == "OSError: failed"
        assert holder.calls() == [1, 1]


def test_no_old_answer_stays(server: Server, tmp_path: Path) -> None:
    """A reader never keeps an answer that was replaced while it was on its way."""
    with Worker(tmp_path, server.url) as writer, Worker(tmp_path, server.url) as reader:
        writer.ask("count.put(-1)")
        for batch in range(30):
            first = batch * 50
            written = writer.begin(f"[count.put(n) for n in range({first}, {first} + 50)][-1]")
            read = reader.ask("[count() for _ in range(300)]")
            written.result()
            numbers = [n for n in read if isinstance(n, int)]
            assert numbers == sorted(numbers)
            until(lambda last=first + 49: reader.ask("count()") == last)  # type: ignore[misc]


def test_names_are_apart(server: Server, tmp_path: Path) -> None:
    """Two names on one server, and two of its databases, know nothing of each other."""
    places = [(server.url, "shop"), (server.url, "shop2"), (server.at(1), "shop")]
    workers = [Worker(tmp_path, url, name=name) for url, name in places]
    first = [worker.ask("count()") for worker in workers]
    assert len({pid for pid, _ in first}) == 3
    workers[0].ask("cache.clear()")
    assert [worker.ask("len(cache)") for worker in workers] == [0, 1, 1]
    assert [worker.ask("count()") for worker in workers[1:]] == first[1:]
    for worker in workers:
        assert worker.end() == ""


def test_readers_take_no_leases(server: Server, tmp_path: Path) -> None:
    """A process in mode "readonly" or "offline" writes nothing to the server."""
    with Worker(tmp_path, server.url) as worker:
        worker.ask("[f(n) for n in range(5)]")
    before = server.stored()
    with Worker(tmp_path, server.url, mode="readonly") as reader:
        assert reader.ask("[f(n) for n in range(10)]") == [expected(n) for n in range(10)]
        reader.ask("f.forget(1)"), reader.ask("cache.clear()")
        reader.end()
    assert server.stored() == before
    assert reader.calls() == sorted([*range(5), *range(5, 10)])


def test_nothing_is_left_but_results(server: Server, tmp_path: Path) -> None:
    """After programs have ended well there is no lease on the server, and every key ends some day or is a result's."""
    with Worker(tmp_path, server.url, name="shop", ttl="1h") as worker:
        worker.ask("[f(n) for n in range(20)]"), worker.ask("f.forget(3)")
        worker.end()
    assert all(key.startswith(b"outlive:shop:") for key in server.stored())
    assert not server.leases()
    assert len(server.entries()) == 19
    client = server.client()
    assert all(client.pttl(key) > 0 for key in server.entries())
