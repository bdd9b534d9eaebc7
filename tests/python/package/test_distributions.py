"""What is published holds what it should and no more, and works where nothing else is installed.

``--distributions FOLDER`` looks at all distributions in a folder; without it, those of this checkout are built.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fake_github import FakeGitHub
from package.test_pages import GITHUB, ISSUES
from support.distributions import (
    build,
    install_alone,
    names_in_wheel,
    native_half,
    strangers_in_sdist,
    strangers_in_wheel,
    this_python,
)
from support.pages import ROOT, blocks

#: What a download may take, in bytes.
LARGEST = 3_000_000

pytestmark = pytest.mark.timeout(1200)  # a wheel that nobody built yet takes minutes


@pytest.fixture(scope="module")
def wheels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels to look at."""
    if (folder := request.config.getoption("--distributions")) is not None:
        return sorted(Path(folder).glob("*.whl"))
    command = ("build", "--release", "--quiet", "--interpreter", this_python())
    deflated = ("--compression-level", "9")  # tools/deflate makes it smaller yet
    return [build(tmp_path_factory.mktemp("wheel"), *command, *deflated)]


@pytest.fixture(scope="module")
def sdists(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The source distributions to look at."""
    if (folder := request.config.getoption("--distributions")) is not None:
        return sorted(Path(folder).glob("*.tar.gz"))
    return [build(tmp_path_factory.mktemp("sdist"), "sdist")]


def runs_here(wheel: Path) -> bool:
    """Whether pip installs ``wheel`` for this Python on this machine."""
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps"]
    command = [*pip, "--ignore-installed", str(wheel)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_wheel_holds_named_files_only(wheels: list[Path]) -> None:
    """A wheel is the package, its native half and its metadata: no .pth, no tests, nothing else."""
    assert wheels
    assert {wheel.name: strangers_in_wheel(wheel) for wheel in wheels} == {
        wheel.name: set() for wheel in wheels
    }


def test_a_wheel_is_small(wheels: list[Path]) -> None:
    """No wheel is larger than 3 MB."""
    sizes = {wheel.name: wheel.stat().st_size for wheel in wheels}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_a_wheel_says_what_is_in_it(wheels: list[Path]) -> None:
    """Each wheel lists the crates that are built into it, as CycloneDX."""
    assert all(
        any(".dist-info/sboms/" in name for name in names_in_wheel(wheel)) for wheel in wheels
    )


def test_a_wheel_asks_python_for_nothing_that_it_lacks(wheels: list[Path]) -> None:
    """No native half wants a function by the name that only the linker knows (see build.rs)."""
    assert [wheel.name for wheel in wheels if b"__real_" in native_half(wheel)] == []


def test_the_first_example_runs_in_a_fresh_environment(wheels: list[Path], tmp_path: Path) -> None:
    """The first program of the README runs on a wheel that was just installed."""
    mine = [wheel for wheel in wheels if runs_here(wheel)]
    assert mine, f"none of {len(wheels)} wheels is for this Python"
    python = install_alone(mine[0], tmp_path / "env")
    example = next(blocks(ROOT / "README.md"))
    with FakeGitHub(ISSUES) as server:
        program = example.script.replace(GITHUB, server.url)
        (tmp_path / "example.py").write_text(program, encoding="utf-8")
        command = [str(python), "-I", "-W", "error", "example.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("60 issues, 60 requests")
    assert (tmp_path / "github.json").exists()


def test_a_source_distribution_holds_what_a_build_needs(sdists: list[Path]) -> None:
    """The source distribution is what a build needs, without tests, tools and pages."""
    assert sdists
    assert [strangers_in_sdist(sdist) for sdist in sdists] == [set() for _ in sdists]
