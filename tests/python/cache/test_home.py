"""The folder of the cache file: the home folder, missing folders, and no home at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="homes of POSIX systems")

CALLS = "print(Cache({where}).memoise(lambda: 42, name='f')())"
PROGRAM = f"from outlive import Cache\n{CALLS}"


def test_a_tilde_is_the_home_folder_and_missing_folders_are_made(
    tmp_path: Path, script: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` stands for the home folder, and a missing folder is made for the user alone."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    ended = script(PROGRAM.format(where="'~/new/folder/c.json'"))
    assert (ended.status, ended.out, ended.err) == (0, "42\n", "")
    made = tmp_path / "home" / "new" / "folder"
    assert (made / "c.json").exists()
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("where", ["app='demo'", "'~/c.json'"])
@pytest.mark.parametrize("home", ["", None], ids=["empty", "not-set"])
def test_without_a_home_folder_results_stay_in_memory(
    script: Scripts, monkeypatch: pytest.MonkeyPatch, where: str, home: str | None
) -> None:
    """Without a home folder, a cache that needs one warns once and works in memory."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    nobody = "import pwd\ndef unknown(_): raise KeyError\npwd.getpwuid = unknown\n"
    if home is not None:
        monkeypatch.setenv("HOME", home)
        nobody = ""
    ended = script(nobody + PROGRAM.format(where=where))
    assert (ended.status, ended.out) == (0, "42\n")
    assert ended.err.count("CacheFileWarning") == 1
    assert "no home folder" in ended.err


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path: Path, script: Scripts) -> None:
    """If the folder cannot be made, one warning says why, and calls return."""
    (tmp_path / "file").write_text("")
    where = repr(str(tmp_path / "file" / "c.json"))
    ended = script(PROGRAM.format(where=where))
    assert (ended.status, ended.out) == (0, "42\n")
    assert ended.err.count("CacheFileWarning") == 1, ended.err
    assert os.fspath(tmp_path / "file") in ended.err
