"""A release has notes: the changelog of its version, and nothing before everything is in place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import outlive
from support.pages import ROOT

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.0] - 2027-01-31

### Added

- Something.

## [1.1.0] - 2026-12-01

- Something older.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is ready to release 1.2.0."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "release-notes", tmp_path / "tools")
    (tmp_path / "Cargo.toml").write_text('[package]\nversion = "1.2.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


def notes(project: Path, tag: str) -> subprocess.CompletedProcess[str]:
    """What the tool says of a tag."""
    command = [sys.executable, str(project / "tools" / "release-notes"), tag]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tag", ["v1.2.0", "1.2.0"])
def test_the_notes_are_the_section_of_the_version(project: Path, tag: str) -> None:
    """The notes of a version are its section alone."""
    said = notes(project, tag)
    assert (said.returncode, said.stdout) == (0, "### Added\n\n- Something.\n")


@pytest.mark.parametrize(
    ("tag", "changed", "says"),
    [
        ("v1.3.0", {}, "Cargo.toml 1.2.0"),
        ("v1.2.0", {"[1.2.0] - 2027-01-31": "[1.2.0]"}, "no section"),
        ("v1.2.0", {"### Added\n\n- Something.\n": ""}, "no section"),
        ("v1.2.0", {"[Unreleased]\n": "[Unreleased]\n\n- More.\n"}, "[Unreleased]"),
    ],
    ids=["another version", "no date", "nothing said", "something left over"],
)
def test_what_is_not_ready_has_no_notes(
    project: Path, tag: str, changed: dict[str, str], says: str
) -> None:
    """A tag for which the project is not ready fails, and the message says what to change."""
    text = CHANGELOG
    for before, after in changed.items():
        text = text.replace(before, after)
    (project / "CHANGELOG.md").write_text(text, encoding="utf-8")
    said = notes(project, tag)
    assert (said.returncode, said.stdout) == (1, "")
    assert says in said.stderr


def test_the_version_stands_in_one_place() -> None:
    """``outlive.__version__`` is Cargo.toml's, and no other file of the package has a version."""
    assert f'\nversion = "{outlive.__version__}"\n' in (ROOT / "Cargo.toml").read_text("utf-8")
    assert "\nversion = " not in (ROOT / "pyproject.toml").read_text("utf-8")
