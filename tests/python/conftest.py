"""What every test can ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlive._drop_in import DropInCache
from support.github import TroubledGitHub
from support.programs import Scripts
from support.servers import ENGINES, Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """The faults have a short and a long form; distributions are built, or found."""
    parser.addoption("--faults", choices=["short", "long"], default="short")
    parser.addoption(
        "--sanitized", action="store_true", help="AddressSanitizer looks on (tools/asan)"
    )
    parser.addoption(
        "--distributions", metavar="FOLDER", help="look at the wheels and sdists in a folder"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a sanitizer cannot run, each for a reason that stands at the end."""
    if not config.getoption("--sanitized"):
        return
    for item in items:
        for marker in item.iter_markers("not_sanitized"):
            item.add_marker(
                pytest.mark.skip(reason=f"below a sanitizer: {marker.kwargs['reason']}")
            )


@pytest.fixture
def github() -> Iterator[TroubledGitHub]:
    """GitHub on 127.0.0.1, without a rate limit."""
    with TroubledGitHub() as server:
        yield server


@pytest.fixture
def script(tmp_path: Path) -> Scripts:
    """Runs programs in a folder of their own: ``script("print(1)").out``."""
    return Scripts(tmp_path)


@pytest.fixture
def drop_in(tmp_path: Path) -> Iterator[DropInCache]:
    """A cache like the one behind ``from outlive import memoise``, with a file of its own."""
    with DropInCache(tmp_path / "cache_file.json") as cache:
        yield cache


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of each engine of its own, which a test may disturb."""
    with Server(request.param) as started:
        yield started


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[Callable[[str], Server]]:
    """Gives the server of an engine that tests share which use names of their own there."""
    started: dict[str, Server] = {}

    def get(engine: str) -> Server:
        if engine not in started:
            started[engine] = Server(engine)
        return started[engine]

    yield get
    for server in started.values():
        server.close()
