"""Programs that tests run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any


def untyped(thing: object) -> Any:
    """Return ``thing`` as type checkers know nothing of."""
    return thing


def run(
    folder: Path, program: str, *, name: str = "program.py", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``program`` as the file ``name`` in ``folder``; it must succeed."""
    file = folder / name
    file.write_text(textwrap.dedent(program), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done
