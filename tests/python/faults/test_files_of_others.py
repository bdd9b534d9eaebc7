"""Files that other programs have beside a cache, under names that outlive uses, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outlive import Cache, OutliveWarning

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
    """Whatever stands beside a cache and is no file of a cache is left as it is."""
    other = tmp_path / f"c.json{suffix}"
    other.write_text("my own notes\n")
    used(tmp_path / "c.json")
    used(tmp_path / "c.json")
    assert other.read_text() == "my own notes\n"
    assert sorted(os.listdir(tmp_path)) == sorted(["c.json", other.name])


def test_a_journal_of_another_program_is_told(tmp_path: Path) -> None:
    """A file that has the name of a journal and is none is passed by, and a warning names it."""
    (tmp_path / "c.json.journal-7").write_text("my own notes\n")
    with pytest.warns(OutliveWarning, match="journal-7: it is no journal; it is not used"):
        used(tmp_path / "c.json")
