"""No room: RLIMIT_FSIZE in the middle of the journal or of a save, and a small disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import pytest

from faults.lab import Lab, Report
from support.files import results

#: `limit` limits the size of each file from then on, so nothing is noted any more.
LIMIT = """
import resource
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
Desk.compute = lambda self, n: expected(n)
"""

MANY = """
desk = Desk()
limit({size})
numbers = range(1_000_100, 1_000_200)
for n in numbers: desk.answer(n)
assert [desk.answer(n) for n in numbers] == [expected(n) for n in numbers]
{after}
sys.exit(5)
"""


@pytest.mark.parametrize("size", [0, 1, 1_000, 1_500, 30_000, 101_000, 150_000])
@pytest.mark.parametrize("after", ["pass", "desk.cache.save()", "desk.cache.close()"])
def test_full_while_it_computes(lab: Lab, size: int, after: str) -> None:
    """On a full disk calls return, the old file stays whole, one warning, the status is its own."""
    lab.fill(range(1_000_000, 1_000_100))
    before = lab.file.read_bytes()
    ended = lab.run(LIMIT + MANY.format(size=size, after=after))
    assert (ended.status, ended.out) == (5, "")
    assert 1 <= ended.err.count("CacheFileWarning: ") <= 2, ended.err
    assert "Traceback" not in ended.err
    assert lab.file.read_bytes() == before
    assert lab.tally() == (100, 0, 0)
    assert lab.files() == ["cache.json"]


ROOM_AGAIN = """
desk = Desk()
desk.answer(1_000_000)
limit(1_500)
for n in range(1_000_000, 1_000_010): desk.answer(n)
limit(10_000_000)
desk.cache.save()
os._exit(0)
"""


def test_room_again(lab: Lab) -> None:
    """Results that found no room are in the file after the first save that does."""
    assert lab.run(LIMIT + ROOM_AGAIN).status == 0
    assert len(results(lab.file)) == 10


#: A record of the journal is not longer than this here.
RECORD = 1_100

TIGHT = """
limit({size})
desk = Desk()
for n in range(1_000_000, 1_000_010): desk.answer(n)
os._exit(0)
"""

LOOK = """
cache = Desk().cache
assert all(cache[key] == expected(cache[key]["number"]) for key in cache)
say(len(cache))
"""


def test_what_was_appended_before_the_disk_was_full_is_kept(lab: Lab, report: Report) -> None:
    """Each result that found room in the journal is kept; a half-written one is skipped."""
    kept = []
    for size in range(1_000, 6_000, 137):
        for name in lab.files():
            (lab.home / name).unlink()
        assert lab.run(LIMIT + TIGHT.format(size=size)).status == 0
        ended = lab.run(LOOK)
        assert ended.status == 0, ended
        kept.append(int(ended.out))
    assert all(n >= size // RECORD for n, size in zip(kept, range(1_000, 6_000, 137), strict=True))
    report(f"{len(kept)} limits, {sum(kept)} results kept, 0 wrong")


def small_disk(lab: Lab, size: str) -> Sequence[str]:
    """What to put before a command so that the cache's folder is a disk of `size` for it."""
    script = f'mount -t tmpfs -o size={size} tmpfs "{lab.home}" && exec "$@"'
    shell = ["sh", "-c", script, "sh"]
    unshare = shutil.which("unshare")
    ways = [[unshare, "-m"], [unshare, "-rm"]] if unshare else []
    for way in ways:
        tried = subprocess.run([*way, *shell, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return [*way, *shell]
    # No such rights here: each file has a limit, which is the same to whoever writes it.
    return ["sh", "-c", f'ulimit -f $(({size.rstrip("k")} / 4)); exec "$@"', "sh"]


DISK = """
from pathlib import Path
import warnings, json
warnings.simplefilter("always")
home = Path(os.environ["FAULTS_FILE"]).parent
Desk.compute = lambda self, n: expected(n)
def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
def old():
    desk = Desk()
    for n in range(1_000_000, 1_000_050): desk.answer(n)
def full():
    desk = Desk()
    for n in range(1_000_050, 1_000_400): assert desk.answer(n) == expected(n)
def look():
    cache = Desk().cache
    numbers = [cache[key]["number"] for key in cache]
    assert all(cache[key] == expected(cache[key]["number"]) for key in cache)
    assert numbers[:50] == list(range(1_000_000, 1_000_050)), len(numbers)
    say(len(numbers))
child(old)
before = Path(os.environ["FAULTS_FILE"]).read_bytes()
child(full)
child(look)
assert len(json.loads(Path(os.environ["FAULTS_FILE"]).read_bytes())) >= 50
say(sorted(path.name.split("-")[0] for path in home.iterdir()))
"""


def test_a_small_disk(lab: Lab, report: Report) -> None:
    """A full disk costs what did not fit into the journal, and nothing that was there."""
    ended = lab.run(DISK, before=small_disk(lab, "200k"))
    assert ended.status == 0, ended
    assert "CacheFileWarning" in ended.err
    entries, files = ended.out.splitlines()
    assert int(entries) >= 50
    report(f"a disk of 200 kB: {entries} entries kept, left in the folder: {files}")
