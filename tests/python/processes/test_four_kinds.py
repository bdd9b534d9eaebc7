"""What a service forgets reaches its workers, a notebook, joblib and a forked pool."""

from __future__ import annotations

import importlib.util
import os
import queue
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.programs import STUCK, free_port

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are forked here"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("ipykernel", "uvicorn")),
        reason="the service and the notebook need uvicorn and ipykernel",
    ),
]

#: The memoised function that all of them have: what it gives is what stands in a file.
SHOP = """
from pathlib import Path
from outlive import Cache

cache = Cache("cache.json")
HERE = Path(__file__).parent

@cache.memoise
def price(item):
    return (HERE / "price").read_text()
"""

#: A service whose workers answer ``/price``, and purge at ``/purge`` what all of them serve.
SERVICE = """
import os
from shop import price

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/purge":
        price.forget("tea")
    body = f"{price('tea')} {os.getpid()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
"""

#: Workers of joblib and of a forked pool, which each say what they serve at every word that comes in.
POOLS = """
import multiprocessing, sys
from joblib import Parallel, delayed
from shop import price

if __name__ == "__main__":
    price("tea")
    with multiprocessing.get_context("fork").Pool(2) as pool, Parallel(n_jobs=2) as workers:
        for _ in sys.stdin:
            found = pool.map(price, ["tea"] * 4) + workers(delayed(price)("tea") for _ in range(4))
            print(*sorted(set(found)), flush=True)
"""


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python in ``folder`` until the block ends, which ends its input; a server is told to end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        if arguments[0] == "-m":
            process.terminate()
        process.wait(STUCK)
        process.stdout.close()


@contextmanager
def service(folder: Path) -> Iterator[Callable[[str], tuple[str, str]]]:
    """Two workers of uvicorn; what asks them gives the answer and the process that gave it."""
    port = free_port()
    options = ["--workers", "2", "--port", str(port), "--log-level", "error"]

    def ask(path: str) -> tuple[str, str]:
        for _ in range(STUCK * 10):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=STUCK) as got:
                    answer, worker = got.read().decode().split()
                    return answer, worker
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("the service does not answer")

    with program(folder, "-m", "uvicorn", "service:app", *options):
        yield ask


@contextmanager
def notebook(folder: Path) -> Iterator[Callable[[str], str]]:
    """A kernel as a notebook has it; what runs a cell gives what that printed."""
    from jupyter_client.manager import KernelManager

    manager: Any = KernelManager()
    manager.start_kernel(cwd=str(folder), env=os.environ | {"PYTHONPATH": str(folder)})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=STUCK)

    def run(cell: str) -> str:
        printed: queue.Queue[str] = queue.Queue()

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            printed.put(content.get("text", "") + "".join(content.get("traceback", ())))

        client.execute_interactive(cell, timeout=STUCK, output_hook=hear)
        return "".join(printed.queue)

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_purge_reaches_every_kind_of_process(tmp_path: Path) -> None:
    """Once a worker of a service has purged, no process serves the old result, from no table."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "pools.py").write_text(POOLS)
    (tmp_path / "price").write_text("0")
    with (
        service(tmp_path) as ask,
        program(tmp_path, "pools.py") as pools,
        notebook(tmp_path) as run,
    ):
        assert pools.stdin is not None and pools.stdout is not None
        assert run("from shop import price; print(price('tea'))") == "0\n"
        for number in range(1, 6):
            (tmp_path / "price").write_text(str(number))
            assert ask("/purge")[0] == str(number)
            assert {ask("/price")[0] for _ in range(6)} == {str(number)}
            assert run("print(price('tea'))") == f"{number}\n"
            pools.stdin.write("look\n")
            pools.stdin.flush()
            assert pools.stdout.readline() == f"{number}\n"
        # And a notebook purges for the service.
        (tmp_path / "price").write_text("last")
        run("price.forget('tea')")
        answers = [ask("/price") for _ in range(20)]
        assert {answer for answer, _ in answers} == {"last"}
