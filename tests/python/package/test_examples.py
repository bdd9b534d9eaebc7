"""The programs under `examples/`, run as a newcomer runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fake_github import NAME, RATE_LIMIT, sample_server

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

#: What an undisturbed run takes.
CALLS = 32


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example in ``folder``."""
    command = [sys.executable, str(EXAMPLES / program), *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, check=False, encoding="utf-8", timeout=60
    )


def counts(text: str) -> tuple[int, ...]:
    """The calls made and saved, as the program says."""
    return tuple(map(int, re.findall(r"(\d+) calls made, (\d+) saved", text)[0]))


def test_contributors_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    """Cut off by the rate limit, finished an hour later, and repeated: each call is made once in all three runs."""
    with sample_server() as github:
        runs = []
        for _ in range(3):
            github.new_window(RATE_LIMIT)
            runs.append(run(tmp_path, "contributors.py", "--api", github.url))
    assert [each.returncode for each in runs] == [1, 0, 0]
    made, saved = zip(*(counts(each.stderr) for each in runs), strict=True)
    assert made == (RATE_LIMIT, CALLS - RATE_LIMIT, 0)
    # The third run is told everything, and the second what the first had not got to.
    assert saved[0] < saved[1] < saved[2]
    assert saved[2] - saved[1] == CALLS - RATE_LIMIT
    # The one call that was refused is the only one that the server saw twice.
    assert len(github.calls) == CALLS + 1
    assert runs[1].stdout == runs[2].stdout


def test_contributors_serves_itself(tmp_path: Path) -> None:
    """Without any argument the program brings its own server; two runs find everybody."""
    first, second = [run(tmp_path, "contributors.py") for _ in range(2)]
    assert "rate limit" in first.stderr
    assert second.stdout.startswith(f"14 people contributed to {NAME}.\n")
    assert "佐藤 由紀" in second.stdout


def test_demo_shows_what_is_saved(tmp_path: Path) -> None:
    """`make demo` shows calls made and saved for a run that is cut off, one that finishes and one that repeats it."""
    output = run(tmp_path, "demo.py")
    assert (output.returncode, output.stderr) == (0, "")
    rows = re.findall(r"^ +(\d)   (\D+?) +(\d+) +(\d+) +[\d.]+$", output.stdout, re.MULTILINE)
    assert [(number, end, int(made)) for number, end, made, _ in rows] == [
        ("1", "cut off by the rate limit", RATE_LIMIT),
        ("2", "finished", CALLS - RATE_LIMIT),
        ("3", "finished", 0),
    ]
    assert f"people contributed to {NAME}" in output.stdout


def test_contributors_has_a_live_mode() -> None:
    """`--live` names a repository to ask the real API for."""
    assert "--live OWNER/NAME" in run(EXAMPLES, "contributors.py", "--help").stdout


@pytest.mark.parametrize("module", ["contributors", "demo"])
def test_no_example_needs_more_than_it_says(module: str) -> None:
    """An example imports the standard library, requests, outlive and the server beside it."""
    text = (EXAMPLES / f"{module}.py").read_text(encoding="utf-8")
    names = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert names - set(sys.stdlib_module_names) <= {"requests", "outlive", "fake_github"}
