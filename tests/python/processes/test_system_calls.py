"""The system calls of a miss: each costs as much as hundreds of instructions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support.programs import STUCK, Scripts

#: As docs/concurrency.md lists them.
EXPECTED = {"fcntl": 2, "lseek": 1, "statx": 3, "write": 1}
#: Looks by descriptor that are made once a millisecond at most.
ONCE_A_MILLISECOND = 4


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_system_calls_of_a_miss(tmp_path: Path, script: Scripts) -> None:
    """A miss of a cache with a file makes the system calls that docs/concurrency.md lists."""
    program = """
    import os
    from outlive import Cache
    function = Cache("c.json").memoise(lambda n: n, name="f")
    first = 1000 * os.getpid()  # so that no file holds the results
    for n in range(30):
        function(first + n)
    for n in range(30, 39):
        os.getppid()
        function(first + n)
    os.getppid()
    os._exit(0)
    """
    with script.start(program) as process:  # written to its file, and compiled, without a trace
        process.communicate(timeout=STUCK)
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), sys.executable, str(tmp_path / script.name)]
    traced = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=STUCK, check=False)
    if not trace.exists() or traced.returncode != 0:
        pytest.skip("processes cannot be traced here")
    _, *misses, _ = re.split(r"^\d+ +getppid\(\).*$", trace.read_text(), flags=re.MULTILINE)
    # Once a millisecond a miss looks at the file by its name, too: that is not counted.
    call = re.compile(r"^\d+ +(\w+)\((?!AT_FDCWD)", re.MULTILINE)
    calls = min((call.findall(miss) for miss in misses), key=len)
    # What is looked at once a millisecond, a busy machine looks at each time.
    counted = Counter(calls)
    looks = counted.pop("statx")
    least = EXPECTED["statx"]
    assert least <= looks <= least + ONCE_A_MILLISECOND, misses
    assert counted == {name: n for name, n in EXPECTED.items() if name != "statx"}, misses
