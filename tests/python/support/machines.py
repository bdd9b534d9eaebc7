"""Machines on one machine: network namespaces, each with an address and a loopback of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Network:
    """A bridge, the server's side of which is this machine, and machines that are tied to it."""

    def __init__(self, machines: int) -> None:
        """Make as many machines; their names are ``names``, the address of this one ``host``."""
        self._own = f"{os.getpid() % 100_000}"
        # Of the range that is set aside for benchmarks of networks (RFC 2544).
        self._net = f"198.18.{os.getpid() % 250}"
        self._bridge = f"ob{self._own}"
        self.host = f"{self._net}.1"
        self.names = [f"outlive-{self._own}-{n}" for n in range(machines)]
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("address", "add", f"{self.host}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for n, name in enumerate(self.names):
            outside, inside = f"oo{self._own}{n}", f"oi{self._own}{n}"
            _ip("netns", "add", name)
            _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
            _ip("link", "set", outside, "master", self._bridge, "up")
            _ip("link", "set", inside, "netns", name)
            _ip("-n", name, "address", "add", f"{self._net}.{n + 2}/24", "dev", inside)
            _ip("-n", name, "link", "set", inside, "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def cut(self, machine: int) -> None:
        """Pull the plug of a machine: what it sends is lost, and nobody tells it."""
        _ip("link", "set", f"oo{self._own}{machine}", "down")

    def mend(self, machine: int) -> None:
        """Put the plug in again."""
        _ip("link", "set", f"oo{self._own}{machine}", "up")

    def close(self) -> None:
        """Remove all of it."""
        for name in self.names:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", name)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", self._bridge)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def network(machines: int) -> Iterator[Network | None]:
    """Machines for a test; None where namespaces cannot be made: processes stand for them then."""
    made = None
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None:
        with suppress(subprocess.CalledProcessError):
            made = Network(machines)
    try:
        yield made
    finally:
        if made is not None:
            made.close()


def inside(network: Network | None, machine: int) -> list[str]:
    """The words that a command on a machine begins with."""
    return [] if network is None else ["ip", "netns", "exec", network.names[machine]]
