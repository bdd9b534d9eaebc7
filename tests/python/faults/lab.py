"""The place where a test disturbs programs, and looks at what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from faults.inside import noted

HERE = Path(__file__).resolve().parent
#: No program of these tests takes so long, unless it hangs.
HANGS = 120
PREAMBLE = "import os, signal, sys, threading, time\nfrom faults.inside import *\n"


class Ended(NamedTuple):
    """How a program ended, and what it said."""

    status: int
    out: str
    err: str


class Tally(NamedTuple):
    """What became of the answers that callers had received."""

    checked: int
    lost: int
    wrong: int


class Lab:
    """A folder with a cache file, a folder with logs, and programs that use both."""

    def __init__(self, folder: Path, door: str = "own") -> None:
        """Make the folders in `folder`; `door` is "own" or "drop-in"."""
        self.home, self.logs, self.door = folder / "home", folder / "logs", door
        self.file = self.home / "cache.json"
        for made in (self.home, self.logs):
            made.mkdir(parents=True)

    def start(
        self, code: str, *, before: Sequence[str] = (), file: Path | None = None, **popen: Any
    ) -> subprocess.Popen[str]:
        """Start `code` as a program of its own, behind the command `before`."""
        command = [*before, sys.executable, "-c", PREAMBLE + textwrap.dedent(code)]
        environment = os.environ | {
            "PYTHONPATH": str(HERE.parent),
            "FAULTS_FILE": str(file or self.file),
            "FAULTS_LOGS": str(self.logs),
            "FAULTS_DOOR": self.door,
            # That a process with threads forks is what some programs are about.
            "PYTHONWARNINGS": "ignore:This process:DeprecationWarning",
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen
        return subprocess.Popen(command, text=True, env=environment, cwd=self.home.parent, **pipes)

    def run(self, code: str, **options: Any) -> Ended:
        """Run `code` to its end."""
        return finish(self.start(code, **options))

    def fill(self, numbers: range, **options: Any) -> None:
        """Have the answers for `numbers` in the file, by a program that ends well."""
        code = f"desk = Desk()\nfor n in range({numbers.start}, {numbers.stop}): desk.get(n)"
        assert self.run(code, **options) == Ended(0, "", "")

    def tally(self, **options: Any) -> Tally:
        """Ask the next process for all answers that a caller had received."""
        return self.tally_and_warnings(**options)[0]

    def tally_and_warnings(self, **options: Any) -> tuple[Tally, str]:
        """The same, and what the next process says on stderr."""
        ended = self.run("say(Desk().tally())", **options)
        assert ended.status == 0, ended
        return Tally(*map(int, ended.out.split())), ended.err

    def returned(self) -> list[int]:
        """The numbers whose answers callers had received."""
        return noted("returned", self.logs)

    def called(self) -> list[int]:
        """The numbers for which the body ran, once for each time."""
        return noted("called", self.logs)

    def begin_anew(self) -> None:
        """Have neither a cache file nor notes of what was computed."""
        for path in (*self.home.iterdir(), *self.logs.iterdir()):
            path.unlink()

    def files(self) -> list[str]:
        """What is in the cache's folder."""
        return sorted(path.name for path in self.home.iterdir())


def finish(program: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a program; one that hangs fails the test."""
    try:
        out, err = program.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        program.send_signal(signal.SIGABRT)
        program.kill()
        out, err = program.communicate()
        raise AssertionError(f"a program hangs: {out}\n{err}") from None
    return Ended(program.returncode, out, err)


def heard(program: subprocess.Popen[str], word: str) -> None:
    """Wait until a program says `word`."""
    assert program.stdout is not None
    line = program.stdout.readline().strip()
    if line != word:
        raise AssertionError((line, finish(program)))


Report = Callable[[str], None]
