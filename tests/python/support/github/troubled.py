"""A server that fails when it is told to, and github.com's pages beside the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from fake_github import Answer, FakeGitHub
from support.github.demo import ANSWERS, WIKI_AUTHORS

#: What happens instead of an answer: it may return another one, raise ConnectionAbortedError, or kill the caller.
Trouble = Callable[[], Answer]

#: The launcher sends what is meant for https://github.com here.
SITE = "/github.com/"


def bad_gateway() -> Answer:
    """A page of a broken proxy: no JSON and none of the API's headers."""
    return Answer(502, b"<html><h1>502 Bad Gateway</h1></html>", {"content-type": "text/html"})


def hang_up() -> Answer:
    """The connection is cut after the request was read."""
    raise ConnectionAbortedError


class TroubledGitHub(FakeGitHub):
    """Serves the demo repositories; `troubles` maps the number of a call (from 1) to what goes wrong there."""

    def __init__(self, *, rate_limit: int | None = None, latency: float = 0.0) -> None:
        # octohatrack follows a `link` only if it leads to the real address.
        super().__init__(
            ANSWERS, rate_limit=rate_limit, latency=latency, public_url="https://api.github.com"
        )
        self.troubles: dict[int, Trouble] = {}

    def answer(self, target: str) -> Answer:
        if target.startswith(SITE):
            return _site(unquote(target).removeprefix(SITE))
        answer = super().answer(target)
        trouble = self.troubles.get(len(self.calls))
        return answer if trouble is None else trouble()


def _site(page: str) -> Answer:
    """A wiki's page, or the names of its authors, which the launcher's `git` asks for."""
    if page.endswith(".wiki"):
        names = WIKI_AUTHORS[page.removesuffix(".wiki")]
        return Answer(200, json.dumps(names).encode(), {"content-type": "application/json"})
    known = page.removesuffix("/wiki") in WIKI_AUTHORS
    return Answer(
        200, b"Clone this wiki locally" if known else b"Welcome", {"content-type": "text/html"}
    )
