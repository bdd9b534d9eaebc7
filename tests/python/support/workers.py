"""Processes that do one thing after another as a test asks, all on one cache."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from support.closing import Closing, Pausable
from support.programs import STUCK, started
from support.threads import Worker as Thread

_PROGRAM = """
import os, sys, threading, time
import outlive
from outlive import Cache

def note(n):
    handle = os.open("calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{n}\\n".encode())
    os.close(handle)

cache = Cache(sys.argv[1], **eval(sys.argv[2]))

@cache.memoise(name="f", on_code_change="ignore")
def f(n, seconds=0):
    note(n)
    time.sleep(seconds)
    return [n, "x" * (n % 300)]

numbers = iter(range(10**9))
@cache.memoise(name="count", on_code_change="ignore")
def count():
    return [os.getpid(), next(numbers)]

for line in sys.stdin:
    try:
        result = eval(line)
    except SyntaxError:
        result = exec(line)
    except OSError as error:
        result = f"{type(error).__name__}: {error}"
    sys.stdout.write(repr(result) + "\\n")
    sys.stdout.flush()
"""


def expected(n: int) -> list[Any]:
    """What ``f(n)`` of a worker returns."""
    return [n, "x" * (n % 300)]


class Worker(Closing, Pausable):
    """A process with a cache and two functions in it: ``f(n)``, which notes its calls, and ``count()``."""

    def __init__(
        self, folder: Path, url: str, *, before: Sequence[str] = (), **options: Any
    ) -> None:
        """Start one behind the command ``before``; ``options`` are those of its ``Cache``."""
        self.folder = folder
        self._ending = threading.Lock()
        self._said: str | None = None
        command = [*before, sys.executable, "-c", _PROGRAM, url, repr(options)]
        self.process = started(command, folder, PYTHONWARNINGS="always")

    def begin(self, expression: str) -> Thread:
        """Have it evaluate something; ``result()`` waits for what comes out."""
        assert self.process.stdin is not None
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return Thread(self._answer)

    def ask(self, expression: str) -> Any:
        """What an expression gives there."""
        return self.begin(expression).result()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.end())
        return ast.literal_eval(line)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self._rest()

    def _rest(self) -> str:
        """What it says on stderr until it ends; threads that ask at once get the same."""
        with self._ending:
            if self._said is None:
                self._said = self.process.communicate(timeout=STUCK)[1]
            return self._said

    def end(self) -> str:
        """Have it end well; what it said on stderr."""
        said = self._rest()
        assert self.process.returncode == 0, said
        return said

    def calls(self) -> list[int]:
        """The numbers for which ``f`` ran, in all processes of the folder."""
        path = self.folder / "calls"
        return sorted(map(int, path.read_text().split())) if path.exists() else []

    def close(self) -> None:
        """End it at once, if it has not ended."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.resume()
            self.kill()
