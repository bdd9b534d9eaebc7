"""A proxy between a client and a server that delays, cuts and drops what passes through it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from support.closing import Closing


class Proxy(Closing):
    """Listens on a free port of 127.0.0.1 and hands on to a server, as it is told at the moment."""

    def __init__(self, host: str, port: int) -> None:
        """Begin to listen for connections that go to ``host`` and ``port``."""
        self._target = (host, port)
        #: Seconds that each piece from the server is held back.
        self.delay = 0.0
        #: Whether what the server sends is swallowed.
        self.drops = False
        #: The number of bytes of answers after which a connection is cut; None: never.
        self.cut_after: int | None = None
        #: The number of bytes of questions after which a connection gets stuck; None: never.
        self.stuck_after: int | None = None
        #: How many connections were made.
        self.connections = 0
        #: How many pieces came from clients: about as many as they asked something.
        self.questions = 0
        #: How many answers are held back at this moment.
        self.held = 0
        self._unanswered: set[socket.socket] = set()
        self._to_hold, self._lock, self._gate = 0, threading.Lock(), threading.Event()
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, timeout: float = 5) -> str:
        """The URL of the server's first database, through the proxy."""
        return f"redis://127.0.0.1:{self.port}/0?timeout={timeout}"

    @property
    def in_flight(self) -> int:
        """How many connections wait for an answer that has not been handed on."""
        return len(self._unanswered)

    def hold(self, answers: int = 1 << 30) -> None:
        """Hold back so many of the next answers, or all, until ``let_go``."""
        with self._lock:
            self._to_hold, self._gate = answers, threading.Event()

    def let_go(self) -> None:
        """Hand on what was held back, and hold back no more."""
        with self._lock:
            self._to_hold = 0
            self._gate.set()

    def _await_gate(self) -> None:
        with self._lock:
            held, gate = self._to_hold > 0, self._gate
            self._to_hold -= held
            self.held += held
        if held:
            gate.wait()
            with self._lock:
                self.held -= 1

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            try:
                server = socket.create_connection(self._target, 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._pairs += [client, server]
            for source, to, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._hand_on, args=(source, to, is_answer), daemon=True
                ).start()

    def _hand_on(self, source: socket.socket, to: socket.socket, is_answer: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                if is_answer:
                    if to in self._unanswered:  # not news, for which nobody waits
                        self._await_gate()
                    if self.delay:
                        time.sleep(self.delay)
                    if self.drops:
                        continue
                    if self.cut_after is not None and passed + len(piece) > self.cut_after:
                        to.sendall(piece[: self.cut_after - passed])
                        break
                    passed += len(piece)
                    self._unanswered.discard(to)
                else:
                    passed += len(piece)
                    if self.stuck_after is not None and passed > self.stuck_after:
                        continue
                    self.questions += 1
                    self._unanswered.add(source)
                to.sendall(piece)
        self._unanswered -= {source, to}
        _shut(source)
        _shut(to)

    def cut(self) -> None:
        """Cut all connections; new ones can be made."""
        self.let_go()
        while self._pairs:
            _shut(self._pairs.pop())

    def close(self) -> None:
        """Cut all connections, and refuse new ones."""
        _shut(self._listener)
        self._listener.close()
        self.cut()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
