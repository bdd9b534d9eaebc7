"""The command line as users run it: ``python -m outlive`` in a pipe, or on a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect


@dataclass(frozen=True)
class Printed:
    """What a command printed, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def json(self) -> Any:
        """The JSON document that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


class Shell:
    """Runs commands in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object, given: str = "") -> Printed:
        """Run ``outlive`` with these words; stdin and both outputs are pipes."""
        done = subprocess.run(
            [sys.executable, "-m", "outlive", *map(str, words)],
            cwd=self.folder,
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        return Printed(done.stdout, done.stderr, done.returncode)

    def terminal(self, *words: object, width: int = 100, height: int = 40) -> Any:
        """Run ``outlive`` on a terminal of this size."""
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
        return pexpect.spawn(
            sys.executable,
            ["-m", "outlive", *map(str, words)],
            cwd=str(self.folder),
            env=environment | {"TERM": "xterm-256color", "PAGER": "cat", "COLUMNS": str(width)},
            dimensions=(height, width),
            encoding="utf-8",
            timeout=60,
        )

    def shown(self, *words: object, width: int = 100, height: int = 40) -> str:
        """Run ``outlive`` on a terminal to its end; what it showed."""
        child = self.terminal(*words, width=width, height=height)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0, child.before
        return str(child.before)
