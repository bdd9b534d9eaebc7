"""The HTTP server: one thread a connection, one rate limit for all of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from fake_github.pages import page_of
from fake_github.repository import Json

if TYPE_CHECKING:
    # In `typing` from Python 3.11 on.
    from typing_extensions import Self

HOUR = 3600
#: What the headers say where there is no limit: more than anybody will ask.
UNLIMITED = 1_000_000

NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}
LIMITED = {
    "message": "API rate limit exceeded for 127.0.0.1. "
    "(But here's the good news: Authenticated requests get a"
    " higher rate limit. Check out the documentation for more details.)",
    "documentation_url": "https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting",
}


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeGitHub:
    """Serves `answers` (path -> JSON) on a free port of 127.0.0.1 while its `with` block lasts.

    `rate_limit` is the number of calls in an hour (None: no end), `latency` the seconds of each.
    `public_url` is what `link` headers begin with; by default the server's own address.
    """

    def __init__(
        self,
        answers: Mapping[str, Json],
        *,
        rate_limit: int | None = None,
        latency: float = 0.0,
        public_url: str | None = None,
    ) -> None:
        self.answers = answers
        self.latency = latency
        #: The calls so far, also those refused, in order: `path?query`, nothing percent-encoded.
        self.calls: list[str] = []
        self._lock = threading.Lock()
        self._http = _Server(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._public_url = self.url if public_url is None else public_url
        self.new_window(rate_limit)

    def __enter__(self) -> Self:
        # A short poll, so that leaving the block does not take half a second.
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def new_window(self, rate_limit: int | None) -> None:
        """An hour has passed: `rate_limit` calls are free again."""
        self._limit = UNLIMITED if rate_limit is None else rate_limit
        self._left = self._limit

    def answer(self, target: str) -> Answer:
        """The answer to a GET of `target`, counted; ConnectionAbortedError: hang up."""
        with self._lock:
            self.calls.append(unquote(target))
            refused = self._left == 0
            self._left = max(0, self._left - 1)
            left = self._left
        time.sleep(self.latency)
        status, content, headers = (403, LIMITED, {}) if refused else self._look_up(target)
        return Answer(status, json.dumps(content).encode(), headers | self._rate(left))

    def _look_up(self, target: str) -> tuple[int, Json, dict[str, str]]:
        parts = urlsplit(target)
        content = self.answers.get(unquote(parts.path), NOT_FOUND)
        if isinstance(content, list):
            return 200, *page_of(
                content, self._public_url + parts.path, dict(parse_qsl(parts.query))
            )
        return (404 if content is NOT_FOUND else 200), content, {}

    def _rate(self, left: int) -> dict[str, str]:
        """GitHub's three headers, in small letters as it sends them; the window ends in an hour."""
        reset = int(time.time()) + HOUR
        names = {"limit": self._limit, "remaining": left, "reset": reset}
        rate = {f"x-ratelimit-{name}": str(value) for name, value in names.items()}
        return {"content-type": "application/json; charset=utf-8"} | rate


class _Server(ThreadingHTTPServer):
    # Connections kept open by a client must not hold up the end of the program.
    daemon_threads = True
    block_on_close = False

    def __init__(self, hub: FakeGitHub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet: in two, each answer would wait 40 ms for a delayed
    # acknowledgement.
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        try:
            answer = self.server.hub.answer(self.path)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def handle(self) -> None:
        """Serves one connection; a client that died in the middle is no news here."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *_: object
    ) -> None:
        """Nothing: the calls are in `FakeGitHub.calls`."""
