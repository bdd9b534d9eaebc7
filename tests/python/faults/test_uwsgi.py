"""Under uWSGI, which forks its workers in C, without Python's hooks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from support.programs import STUCK, free_port

UWSGI = shutil.which("uwsgi", path=os.path.dirname(sys.executable))

pytestmark = pytest.mark.skipif(UWSGI is None, reason="uWSGI is built by `make faults`")

#: The master computes before it forks; every worker computes, and serves what the others did.
APP = """
import os
from outlive import Cache

cache = Cache("c.json")
slow = cache.memoise(lambda key: [key, os.getpid()], name="slow", key="all")
slow("master")

def application(environ, start_response):
    key = environ["PATH_INFO"][1:]
    if key == "purge":
        slow.forget("shared")
    start_response("200 OK", [("Connection", "close")])
    return [f"{slow(key)[1]} {os.getpid()}".encode()]
"""


def _ask(port: int, key: str) -> tuple[int, int]:
    """Who computed the result, and who served it."""
    deadline = time.monotonic() + STUCK
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{key}", timeout=STUCK) as answer:
                computed, served = map(int, answer.read().split())
                return computed, served
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGKILL])
def test_workers_forked_in_c_lose_nothing(tmp_path: Path, ends: signal.Signals) -> None:
    """Each key is computed once by all workers together, and every result is found afterwards."""
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    options = ["--master", "--processes", "3", "--need-app", "--disable-logging", "--die-on-term"]
    command = [UWSGI or "", "--http-socket", f"127.0.0.1:{port}", "--module", "app", *options]
    command += ["--pythonpath", str(tmp_path), "--home", sys.prefix]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
        )
    try:
        makers: dict[str, set[int]] = {}
        keys = ["master", "shared", *(f"k{number}" for number in range(20))]
        for key in keys * 5:
            makers.setdefault(key, set()).add(_ask(port, key)[0])
        assert all(len(made) == 1 for made in makers.values()), makers
        (before,) = makers["shared"]
        _ask(port, "purge")
        after = {_ask(port, "shared")[0] for _ in range(20)}
        assert len(after) == 1
    finally:
        os.killpg(server.pid, ends)
        server.wait(STUCK)
    found = subprocess.run(
        [sys.executable, "-c", "from outlive import Cache; import json; c = Cache('c.json')\n"
         "print(json.dumps([c[key][0] for key in c]))"],
        cwd=tmp_path, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert {*json.loads(found.stdout)} == {*keys, "purge"}, (tmp_path / "log").read_text()
    assert before > 0
