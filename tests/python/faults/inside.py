"""What the disturbed programs share: a cached function with known answers, and notes of what it did."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import outlive

#: From this number on an answer has about a kilobyte.
LARGE = 1_000_000


def expected(n: int) -> dict[str, Any]:
    """The answer for `n`."""
    text = "x" * 950 if n >= LARGE else "\u00e9\n" * (n % 40)
    return {"number": n, "text": text, "list": list(range(n % 9)), "none": None}


def note(log: str, n: int) -> None:
    """Appends `n` to a log that outlives this process, with one write."""
    path = Path(os.environ["FAULTS_LOGS"]) / log
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, f"{n}\n".encode())
    finally:
        os.close(handle)


class Desk:
    """A cache in the file that the test names, one function in it, and notes of what it does."""

    def __init__(self, **options: Any) -> None:
        if os.environ.get("FAULTS_DOOR") == "drop-in":
            os.environ["OUTLIVE_FILE"] = os.environ["FAULTS_FILE"]
            outlive.configure(**options)
            self.cache: Any = outlive.cache
        else:
            self.cache = outlive.Cache(os.environ["FAULTS_FILE"], **options)
        self.answer = self.cache.memoise(name="answer")(self.compute)

    def compute(self, n: int) -> dict[str, Any]:
        """The body: each time that it runs is noted."""
        note("called", n)
        return expected(n)

    def get(self, n: int) -> Any:
        """A call; once it has returned, its answer may not be lost."""
        found = self.answer(n)
        assert found == expected(n), (n, found)
        note("returned", n)
        return found

    def tally(self, first: int = 0) -> str:
        """How many answers from `first` on were noted, and how many are lost or wrong here."""
        numbers = sorted({n for n in noted("returned") if n >= first})
        lost = wrong = 0
        with self.cache.mode("offline"):
            for n in numbers:
                try:
                    wrong += self.answer(n) != expected(n)
                except outlive.CacheMiss:
                    lost += 1
        return f"{len(numbers)} {lost} {wrong}"


def noted(log: str, folder: Path | None = None) -> list[int]:
    """The numbers in a log."""
    path = (folder or Path(os.environ["FAULTS_LOGS"])) / log
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def say(word: str) -> None:
    """Tells the test that a point is reached."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
