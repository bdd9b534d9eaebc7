"""Programs of their own, run in a folder of their own: how a process begins and ends can be seen."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

#: Seconds after which a program counts as stuck.
STUCK = 60


@dataclass(frozen=True)
class Ended:
    """What a program left behind: its output, its errors and its exit status."""

    out: str
    err: str
    status: int


def untyped(thing: object) -> Any:
    """Return ``thing`` as type checkers know nothing of."""
    return thing


class Scripts:
    """Runs Python programs in one folder."""

    def __init__(self, folder: Path, name: str = "program.py") -> None:
        """Have programs run in ``folder``, as files of this name."""
        self.folder, self.name = folder, name

    def __call__(self, source: str, *arguments: str, **environment: str) -> Ended:
        """Run ``source`` to its end, with these words in ``sys.argv`` and the environment."""
        with self.start(source, *arguments, **environment) as process:
            out, err = process.communicate(timeout=STUCK)
        return Ended(out, err, process.returncode)

    def output(self, source: str, *arguments: str, **environment: str) -> str:
        """Run ``source``, which must succeed without a word on stderr; what it printed."""
        ended = self(source, *arguments, **environment)
        assert (ended.err, ended.status) == ("", 0), ended
        return ended.out

    def start(self, source: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin to run ``source``; its input and outputs are pipes."""
        script = self.folder / self.name
        # At once: a program that was started a moment ago may be about to read it.
        new = script.with_suffix(".new")
        new.write_text(dedent(source), encoding="utf-8", errors="surrogatepass")
        new.replace(script)
        command = [sys.executable, str(script), *arguments]
        return started(command, self.folder, **environment)

    @property
    def files(self) -> list[str]:
        """The names of all files that programs left in the folder."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != self.name)


def started(command: Sequence[str], folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Begin to run a command in ``folder``; its input and outputs are pipes."""
    inherited = {name: value for name, value in os.environ.items() if "OUTLIVE" not in name}
    # From 3.12 on Python warns of every fork of a process with threads, which some are about.
    usual = {"PYTHONFAULTHANDLER": "1", "PYTHONWARNINGS": "ignore:This process:DeprecationWarning"}
    return subprocess.Popen(
        command,
        cwd=folder,
        env=inherited | usual | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=_interruptible if os.name == "posix" else None,
    )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def run(folder: Path, source: str, *, name: str = "program.py", **environment: str) -> str:
    """Run ``source`` as the file ``name`` in ``folder``; it must succeed. What it printed."""
    ended = Scripts(folder, name)(source, **environment)
    assert ended.status == 0, ended.err
    return ended.out


def _interruptible() -> None:
    """A test run in the background hands on that SIGINT is ignored; a program must hear it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
