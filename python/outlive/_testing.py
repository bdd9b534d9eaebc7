"""The pytest plugin: a cache for each test, a cache on a copy of its file, a mode by marker.

It imports nothing of outlive before a test asks for it, and never the drop-in, which loads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from outlive import Cache

_MARKER = (
    'outlive(mode="offline"): let a mode hold for every cache during the test: "on", "off", '
    '"refresh", "offline" (a call that is not kept is an error), "readonly" or "frozen"'
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker with pytest."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, None]:
    """Apply the mode of the marker, for the fixtures of the test, too."""
    marker = item.get_closest_marker("outlive")
    if marker is None:
        yield
        return
    from . import _modes

    before = _modes.of_all_caches()
    _modes.everywhere(_mode_of(marker, item))
    try:
        yield
    finally:
        _modes.everywhere(before)


def _mode_of(marker: pytest.Mark, item: pytest.Item) -> str:
    """Return the mode that a marker names."""
    from . import _modes

    if marker.args or set(marker.kwargs) != {"mode"}:
        raise pytest.UsageError(f'{item.nodeid}: write @pytest.mark.outlive(mode="offline")')
    try:
        return _modes.checked(marker.kwargs["mode"])
    except ValueError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from error


@pytest.fixture
def outlive_cache(tmp_path: Path) -> Iterator[Cache]:
    """Provide a fresh cache, in a file of the test's own folder."""
    from . import Cache

    with Cache(tmp_path / "outlive" / "cache.json") as cache:
        yield cache


@pytest.fixture
def outlive_redirect(tmp_path: Path) -> Iterator[Callable[[Cache], Path]]:
    """Provide a function that makes a cache work on a copy of its file until the test ends.

    ``outlive_redirect(cache)`` returns the path of the copy. All functions that are memoised in
    this ``Cache`` object go with it; the file itself is not written to.
    """
    from ._redirect import Redirection

    begun: list[Redirection] = []

    def redirect(cache: Cache) -> Path:
        path = tmp_path / "outlive" / f"copy-{len(begun)}.json"
        begun.append(Redirection(cache._state, str(path)))
        return path

    try:
        yield redirect
    finally:
        for redirection in reversed(begun):
            redirection.end()
