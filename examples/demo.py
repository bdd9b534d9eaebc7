"""Runs contributors.py as somebody with a rate limit does: cut off, later, and once more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fake_github import LATENCY, RATE_LIMIT, FakeGitHub, sample_server

PROGRAM = Path(__file__).resolve().with_name("contributors.py")


@dataclass(frozen=True)
class Run:
    """What one run of the program came to."""

    finished: bool
    report: str
    made: int
    saved: int
    seconds: float


def run(folder: str, github: FakeGitHub) -> Run:
    """A run of its own process in `folder`, where its cache file lies, with a new hour's calls."""
    github.new_window(RATE_LIMIT)
    began = time.perf_counter()
    command = [sys.executable, str(PROGRAM), "--api", github.url]
    process = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1"},  # Windows has other encodings for pipes
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    seconds = time.perf_counter() - began
    counts = re.search(r"(\d+) calls made, (\d+) saved", process.stderr)
    if counts is None:
        sys.exit(process.stderr)
    return Run(process.returncode == 0, process.stdout, int(counts[1]), int(counts[2]), seconds)


def row(number: int, each: Run) -> str:
    """One line of the table."""
    end = "finished" if each.finished else "cut off by the rate limit"
    return f"{number:>5}   {end:<25}{each.made:>12}{each.saved:>14}{each.seconds:>10.2f}"


def main() -> None:
    """Run it three times and tell what each run cost."""
    print(
        f"Who contributed? An API that takes {LATENCY * 1000:.0f} ms a call "
        f"and allows {RATE_LIMIT} an hour.\n"
    )
    print(f"{'run':>5}   {'':<25}{'calls made':>12}{'calls saved':>14}{'seconds':>10}")
    with TemporaryDirectory() as folder, sample_server() as github:
        for number in (1, 2, 3):
            last = run(folder, github)
            print(row(number, last), flush=True)
        size = Path(folder, "cache_file.json").stat().st_size
    print(
        f"\n{last.report}\nAll of it is in cache_file.json now, {size / 1000:.0f} kB of plain JSON."
    )


if __name__ == "__main__":
    main()
