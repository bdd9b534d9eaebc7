"""Files that other programs have beside a cache, under names that outlive uses, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outlive import Cache, OutliveWarning
from support.programs import Scripts

NOBODY = 65_534

#: What other programs may have put there: a lock of the filelock library is an empty file.
CONTENTS = [b"", b"my own notes\n", b"1234\n", b"x" * 5000]


def used(path: Path) -> None:
    """Compute, put, forget, save and close."""
    with Cache(path) as cache:
        f = cache.memoise(lambda x: x, name="f")
        assert [f(1), f(2)] == [1, 2]
        f.put(1, 1)
        cache.save()
        f.forget(2)
        cache.forget("nothing*", erase=True)


@pytest.mark.filterwarnings("ignore::outlive.OutliveWarning")
@pytest.mark.parametrize("content", CONTENTS)
def test_a_lock_file_of_another_program(tmp_path: Path, content: bytes) -> None:
    """A file with the name of the lock file is neither written to nor removed."""
    lock = tmp_path / "c.json.lock"
    lock.write_bytes(content)
    before = lock.stat()
    used(tmp_path / "c.json")
    used(tmp_path / "c.json")
    after = lock.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert lock.read_bytes() == content
    with Cache(tmp_path / "c.json") as again:
        assert len(again) == 1


@pytest.mark.filterwarnings("ignore::outlive.OutliveWarning")
@pytest.mark.parametrize(
    "suffix",
    [
        *(".tmp-mine", ".tmp-", ".tmp-1-2", ".whole", ".journal-7", ".journal-x"),
        *(".damaged-mine", ".damaged-2026", ".lock-old", ".bak"),
    ],
)
def test_files_that_are_named_nearly_as_ours(tmp_path: Path, suffix: str) -> None:
    """A file beside a cache that is not the cache's own is left as it is."""
    other = tmp_path / f"c.json{suffix}"
    other.write_text("my own notes\n")
    used(tmp_path / "c.json")
    used(tmp_path / "c.json")
    assert other.read_text() == "my own notes\n"
    assert sorted(os.listdir(tmp_path)) == sorted(["c.json", other.name])


def test_a_journal_of_another_program_is_told(tmp_path: Path) -> None:
    """A file that only has the name of a journal is skipped, and a warning names it."""
    (tmp_path / "c.json.journal-7").write_text("my own notes\n")
    with pytest.warns(OutliveWarning, match="journal-7: it is no journal; it is not used"):
        used(tmp_path / "c.json")


@pytest.mark.filterwarnings("ignore::outlive.OutliveWarning")
@pytest.mark.skipif(
    not hasattr(os, "O_NOFOLLOW"), reason="who may make links may do anything there"
)
@pytest.mark.parametrize("beside", ["c.json.journal-1", "c.json.lock"])
def test_links_that_somebody_puts_beside_a_cache(tmp_path: Path, beside: str) -> None:
    """A link in the place of a journal or of the lock leads outlive to no other file."""
    victim = tmp_path / "victim.txt"
    victim.write_text("precious\n" * 1000)
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / beside).symlink_to(victim)
    used(folder / "c.json")
    used(folder / "c.json")
    assert victim.read_text() == "precious\n" * 1000


KILLED = """
import os
from outlive import Cache
f = Cache("c.json").memoise(lambda x: ANSWER, name="f")
print(f(1), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_a_journal_of_another_user_is_not_believed(script: Scripts, mode: int) -> None:
    """In a folder that everybody may write, another user's journal is neither read nor written."""
    script.folder.chmod(0o1777)
    script.output(KILLED.replace("ANSWER", "'poison'"))
    (theirs,) = script.folder.glob("c.json.journal-*")
    os.chown(theirs, NOBODY, NOBODY)
    theirs.chmod(mode)
    before = theirs.read_bytes()
    ended = script(KILLED.replace("ANSWER", "'secret'"))
    assert (ended.out, ended.status) == ("secret\n", 0)
    assert theirs.name in ended.err, "the warning names what is not believed"
    assert theirs.read_bytes() == before
