"""Where the subjects are disturbed: a folder, two logs, programs, and a server."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from yardstick.worker import append, expected

TESTS = Path(__file__).resolve().parents[1]
#: A program that takes longer hangs.
HANGS = 60


class Lab:
    """One subject in folders of its own."""

    def __init__(self, subject: str, folder: Path, server: Server) -> None:
        self.subject, self.server = subject, server
        self.home, self.logs = folder / "home", folder / "logs"
        self.begin_anew()

    def begin_anew(self) -> None:
        """Have neither results nor logs."""
        for folder in (self.home, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.server.log = str(self.logs / "called")

    def start(self, task: str, *arguments: object, sleep: float = 0) -> subprocess.Popen[bytes]:
        """Start a program."""
        command = [sys.executable, "-m", "yardstick.worker", self.subject, self.home, self.logs]
        environment = os.environ | {
            "PYTHONPATH": str(TESTS),
            "PYTHONWARNINGS": "ignore",
            "YARDSTICK_SLEEP": str(sleep),
            "YARDSTICK_SERVER": self.server.url,
        }
        return subprocess.Popen(
            [*map(str, command), task, *map(str, arguments)],
            env=environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, task: str, *arguments: object, sleep: float = 0) -> str:
        """Run a program to its end; what it printed, or "hangs"."""
        return ended(self.start(task, *arguments, sleep=sleep))

    def noted(self, log: str) -> list[int]:
        """The numbers in a log."""
        file = self.logs / log
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def lost(self) -> tuple[int, int]:
        """How many results a later process has lost, of how many that were returned."""
        numbers = sorted(set(self.noted("returned")))
        before = len(self.noted("called"))
        for number in numbers[:1]:
            self.run("many", number, number + len(numbers))
        return len(self.noted("called")) - before, len(numbers)

    def files(self) -> list[Path]:
        """The files of the cache that have something in them, in a fixed order."""
        return sorted(f for f in self.home.rglob("*") if f.is_file() and f.stat().st_size)

    def copy(self) -> Path:
        """Keep the state of now; ``restore`` brings it back."""
        kept = self.home.with_name("kept")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.home, kept)
        return kept

    def restore(self, kept: Path) -> None:
        """Bring back what ``copy`` kept, with empty logs."""
        self.begin_anew()
        shutil.copytree(kept, self.home, dirs_exist_ok=True)


def ended(program: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a program; what it printed, or "hangs"."""
    try:
        out, _ = program.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        return "hangs"
    return out.decode().strip()


def kill_after(program: subprocess.Popen[bytes], seconds: float) -> None:
    """Kill a program after a while."""
    time.sleep(seconds)
    program.kill()
    program.communicate()


def some(low: float, high: float) -> float:
    """A length of time that is another each time, and the same in each run of the suite."""
    return random.uniform(low, high)


class Server:
    """Computes for subjects that keep answers of servers."""

    def __init__(self) -> None:
        self.log = os.devnull
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number, _, seconds = self.path[1:].partition("?")
                append(outer.log, int(number))
                time.sleep(float(seconds))
                body = json.dumps(expected(int(number))).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
