"""What the recipes call: a service on 127.0.0.1 that is slow to please, and counts.

GET  /price/ITEM    a price; with `troubles`, the first calls get 503; with `limit`, 429
GET  /news          a text with an ETag
GET  /page/N        a page that links to the next one
POST /chat          an answer to {"prompt": ...}
POST /embed         a vector for each of {"texts": [...]}
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGES = 20


class Service(ThreadingHTTPServer):
    """The service, and what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: Counter[str] = Counter()
        #: How many more calls fail, and how many are allowed before 429.
        self.troubles, self.limit = 0, 10_000
        self.news, self.lock = "nothing", threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: An answer leaves in one piece: of two, Nagle's algorithm holds the second one back.
    wbufsize = 1 << 16

    @property
    def service(self) -> Service:
        """The service that it belongs to."""
        assert isinstance(self.server, Service)
        return self.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a GET."""
        if self._is_refused():
            return
        _, kind, *rest = self.path.split("/")
        if kind == "news":
            self._news()
        elif kind == "page":
            number = int(rest[0])
            link = f'<a href="/page/{number + 1}">next</a>' if number < PAGES else ""
            self._send(200, f"<title>Page {number}</title>{link}".encode(), "text/html")
        else:
            self._json({"item": rest[0], "price": len(rest[0])})

    def do_POST(self) -> None:
        """Answer a POST."""
        given = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self._is_refused():
            return
        if self.path == "/embed":
            self._json([[float(len(text)), 0.5] for text in given["texts"]])
        else:
            self._json({"answer": given["prompt"].upper(), "tokens": len(given["prompt"])})

    def _is_refused(self) -> bool:
        """Count the call; refuse it if there is trouble, or if there were too many."""
        with self.service.lock:
            self.service.calls[self.path.split("/")[1]] += 1
            self.service.limit -= 1
            self.service.troubles -= 1
            status = 503 if self.service.troubles >= 0 else 429 if self.service.limit < 0 else 200
        if status != 200:
            self._send(status, b"{}", "application/json", {"Retry-After": "60"})
        return status != 200

    def _news(self) -> None:
        tag = f'"{self.service.news}"'
        if self.headers["If-None-Match"] == tag:
            self.service.calls["not modified"] += 1
            self._send(304, b"", "text/plain")
        else:
            self._send(200, self.service.news.encode(), "text/plain", {"ETag": tag})

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, text in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serve() -> Iterator[Service]:
    """Run the service for a while."""
    with Service() as service:
        threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
        yield service
        service.shutdown()
