"""How long the faults last, where they happen, and what they showed."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.lab import Lab, Report

_shown = pytest.StashKey[list[str]]()


@pytest.fixture
def long(pytestconfig: pytest.Config) -> bool:
    """Whether the long form was asked for: `pytest tests/python/faults --faults=long`."""
    return bool(pytestconfig.getoption("faults") == "long")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty place for programs that use a cache of their own."""
    return Lab(tmp_path / "lab")


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Prints a line of figures at the end of the run."""
    lines = request.config.stash.setdefault(_shown, [])
    return lambda line: lines.append(f"{request.node.name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted."""
    lines = terminalreporter.config.stash.get(_shown, [])
    if lines:
        terminalreporter.section("what survived")
        for line in lines:
            terminalreporter.write_line(line)
