"""The bundled repository, from a server that is slow and strict as the real one, but small."""

from __future__ import annotations

from pathlib import Path

from fake_github.repository import Repository, answers_of
from fake_github.server import FakeGitHub

DATA = Path(__file__).resolve().parents[1] / "data" / "kettle.json"

#: Its people have logins that GitHub gives nobody: a cache file can hold them beside real ones.
NAME = "sample/kettle"
#: Calls an hour; GitHub allows 60 to those who do not log in.
RATE_LIMIT = 25
#: Seconds a call.
LATENCY = 0.05


def sample_server() -> FakeGitHub:
    """A server for the repository NAME, with all calls of its hour still free."""
    return FakeGitHub(answers_of(Repository.load(DATA)), rate_limit=RATE_LIMIT, latency=LATENCY)
