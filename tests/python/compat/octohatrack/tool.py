"""The tests' side: start the tool, wait, and look at what it said and asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from compat.octohatrack.versions import folder_of
from support.github import SMALL, TroubledGitHub

Decorator = Literal["original", "outlive", "database"]

#: The last version that carries the decorator.
NEWEST = "0.6.1"

#: Seconds after which a run counts as hung. It takes less than one.
PATIENCE = 60


@dataclass(frozen=True)
class Run:
    """One run that has ended."""

    status: int
    output: str
    errors: str
    #: What it asked the server, in order.
    calls: list[str]

    @property
    def report(self) -> str:
        """The output without the dots of progress, which are printed where a call is made."""
        return re.sub(r"\.{3,}", "", self.output)


@dataclass(frozen=True)
class Tool:
    """octohatrack in a working directory of its own, where its cache file lies."""

    folder: Path
    github: TroubledGitHub
    version: str = NEWEST
    decorator: Decorator = "outlive"
    program: str = "octohatrack"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def cache_file(self) -> Path:
        return self.folder / "cache_file.json"

    def stored(self) -> dict[str, Any]:
        """What any JSON reader finds in the cache file."""
        content: dict[str, Any] = json.loads(self.cache_file.read_text(encoding="ascii"))
        return content

    def using(self, **changes: Any) -> Tool:
        """The same tool with some fields changed."""
        return replace(self, **changes)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A run that is under way."""
        self.folder.mkdir(exist_ok=True)
        head = [str(folder_of(self.version)), self.decorator, self.github.url, self.program]
        command = [sys.executable, "-m", "compat.octohatrack.runner", *head, *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self, *arguments: str, on_start: Callable[[subprocess.Popen[str]], None] | None = None
    ) -> Run:
        """One whole run; of demo/small if nothing else is asked for. `on_start` gets the process at once."""
        before = len(self.github.calls)
        process = self.start(*(arguments or [SMALL]))
        try:
            if on_start is not None:
                on_start(process)
            output, errors = process.communicate(timeout=PATIENCE)
        finally:
            # Only has an effect if it hangs or the test is being stopped.
            process.kill()
        return Run(process.returncode, output, errors, self.github.calls[before:])

    def _environment(self) -> dict[str, str]:
        """No proxy, no token; a set has the same order in every run; text is UTF-8 whatever the locale."""
        here = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        wanted = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "NO_PROXY": "*"}
        # Of octohatrack: `line.strip() is not ""`.
        wanted["PYTHONWARNINGS"] = "ignore::SyntaxWarning"
        inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
        return inherited | wanted | self.environment


@cache
def with_its_own_decorator(version: str = NEWEST, *arguments: str) -> Run:
    """What `version` says and asks as its author released it, undisturbed and in an empty folder."""
    with TroubledGitHub() as github, TemporaryDirectory() as folder:
        return Tool(Path(folder), github, version, "original").run(*arguments)
