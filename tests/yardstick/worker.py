"""A program that uses one subject: ``python -m yardstick.worker SUBJECT FOLDER LOGS TASK ...``.

What its calls returned, and for what the function ran, is noted in two logs, each line by one write:
they outlive the program, however it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yardstick.subjects import SUBJECTS


def expected(number: int) -> dict[str, Any]:
    """What the function returns."""
    return {"number": number, "text": "x" * 900, "list": list(range(number % 9))}


def append(log: str, number: int) -> None:
    """Add a line to a log."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(handle, f"{number}\n".encode())
    os.close(handle)


def compute(number: int) -> dict[str, Any]:
    """Run: what the subjects memoise."""
    append(os.environ["YARDSTICK_CALLED"], number)
    time.sleep(float(os.environ["YARDSTICK_SLEEP"]))
    return expected(number)


class Client:
    """Calls of one subject, and notes of what they returned."""

    def __init__(self, subject: str, folder: str, logs: str) -> None:
        os.environ["YARDSTICK_CALLED"] = f"{logs}/called"
        os.environ.setdefault("YARDSTICK_SLEEP", "0")
        self.logs = logs
        self.get = SUBJECTS[subject](Path(folder), compute)

    def call(self, number: int) -> None:
        """One call; what it returned is noted as right, wrong or raised."""
        try:
            word = "returned" if self.get(number) == expected(number) else "wrong"
        except Exception as error:
            word = "raised"
            print(f"{number}: {error!r}", file=sys.stderr)
        append(f"{self.logs}/{word}", number)


def many(client: Client, first: str, last: str) -> None:
    """Call for each of these numbers."""
    for number in range(int(first), int(last)):
        client.call(number)


def exit_at_once(client: Client, first: str, last: str) -> None:
    """Call, and end without any cleaning up."""
    many(client, first, last)
    os._exit(0)


def terminate(client: Client, first: str, last: str) -> None:
    """Call, and end as by ``kill``."""
    many(client, first, last)
    os.kill(os.getpid(), signal.SIGTERM)


def threads(client: Client, number: str, count: str) -> None:
    """Call for one number in many threads at once."""
    start = threading.Barrier(int(count))

    def call() -> None:
        start.wait()
        client.call(int(number))

    started = [threading.Thread(target=call) for _ in range(int(count))]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def no_room(client: Client, first: str, last: str) -> None:
    """Call while no file may grow; the logs are written behind that."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = []
    os.environ["YARDSTICK_CALLED"] = os.devnull
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    for number in range(int(first), int(last)):
        try:
            words.append("returned" if client.get(number) == expected(number) else "wrong")
        except Exception:
            words.append("raised")
    os.write(1, " ".join(words).encode())


def change(client: Client, number: str) -> None:
    """Change what a call returned, and say whether the next call sees the change."""
    client.get(int(number))
    client.get(int(number))["list"].append("changed")
    print("shared" if client.get(int(number)) != expected(int(number)) else "copied")


TASKS: dict[str, Callable[..., None]] = {
    task.__name__: task for task in (many, exit_at_once, terminate, threads, no_room, change)
}

if __name__ == "__main__":
    _, name, folder, logs, task, *arguments = sys.argv
    TASKS[task](Client(name, folder, logs), *arguments)
