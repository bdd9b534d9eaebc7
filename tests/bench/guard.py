"""``make guard``: instructions of the hot paths, counted by callgrind, against committed figures.

Times on a shared machine say little; the number of instructions hardly moves. A path that needs a
tenth more than the figure in ``guard.json`` fails; ``--write`` commits to new figures. They belong
to one build of Python each, so the file has a part for each version, with and without PGO.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import goals
from .scenes import SCENES

FIGURES = Path(__file__).with_name("guard.json")
MARGIN = 1.10
#: Calls in the two runs: what they differ in is the path alone, without start and warm-up.
FEW, MANY = 200, 10_200
_TOTAL = re.compile(r"Collected *: *(\d+)")


def main() -> int:
    """Count, compare, say what grew. The exit status is 1 if something did or nothing was known."""
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("--write", action="store_true", help="commit to the figures of now")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("guard: valgrind is not installed; run: apt-get install valgrind", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(2) as pool:
        counts = dict(zip(SCENES, pool.map(_instructions, SCENES), strict=True))
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if given.write:
        known[_python()] = counts
        FIGURES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return _compare(counts, known.get(_python(), {}))


def _python() -> str:
    """Which figures count here: the same source makes other code in each of these."""
    build = "pgo" if goals.build() == "pgo" else "plain"
    return f"{sys.version_info[0]}.{sys.version_info[1]}{sys.abiflags}-{build}"


def _instructions(scene: str) -> int:
    """Instructions of one call."""
    # A few calls of the long paths say enough, and make no journal that another thread begins to
    # fold at a moment of its own.
    many = MANY if scene.startswith("hit") else FEW + (MANY - FEW) // 50
    return round((_collected(scene, many) - _collected(scene, FEW)) / (many - FEW))


def _collected(scene: str, calls: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        command += [sys.executable, "-m", "bench.scenes", scene, str(calls)]
        # One order of sets and dicts, whatever the run; files go where they are cleared away.
        environment = os.environ | {"PYTHONHASHSEED": "0", "TMPDIR": folder}
        home = Path(__file__).parent.parent
        done = subprocess.run(
            command, cwd=home, env=environment, check=True, capture_output=True, text=True
        )
    found = _TOTAL.search(done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind counted nothing:\n{done.stderr}")
    return int(found.group(1))


def _compare(counts: dict[str, int], known: dict[str, int]) -> int:
    print(f"instructions of one call, Python {_python()}")
    grown = []
    for scene, count in counts.items():
        before = known.get(scene)
        change = "no figure yet" if before is None else f"{count / before - 1:+.1%}"
        print(f"  {scene:<24}{count:>9,}  {change}")
        if before is not None and count > before * MARGIN:
            grown.append(f"{scene}: {before:,} -> {count:,}")
    if not known:
        print(f"NOT CHECKED: guard.json has no figures for Python {_python()}. They are written by")
        print("`make guard-write` on a commit that is known to be fast, and committed.")
        return 1
    if grown:
        print("more than a tenth slower; make it faster, or run `make guard-write` and say why:")
        print("\n".join(f"  {line}" for line in grown))
    return 1 if grown else 0


if __name__ == "__main__":
    raise SystemExit(main())
