"""What tests of servers that are away have in common."""

from __future__ import annotations

import time

import valkey

from support.servers import Server
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
