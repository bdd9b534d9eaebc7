"""The file's place: no permission, no folder, no file; and what remains in the folder."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from faults.lab import Ended, Lab, finish
from faults.turns import Turns
from support.programs import Scripts

NOBODY = 65_534
USE = "desk = Desk()\nfor n in range(20): desk.get(n)\nprint('done')\nsys.exit(7)"

#: Permissions hold for nobody, and so for root once it is nobody.
WITHOUT_RIGHTS = f"""
import outlive._decorate  # the interpreter's own modules may be out of reach afterwards
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
"""


@pytest.fixture
def open_to_all() -> Iterator[Lab]:
    """A lab that a user without rights can reach, and note its answers in."""
    with TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "lab")
        for reached in (lab.logs, lab.home, lab.home.parent, Path(folder)):
            reached.chmod(0o777)
        for log in ("called", "returned"):
            (lab.logs / log).touch()
            (lab.logs / log).chmod(0o666)
        yield lab


def test_read_only_folder_and_file(open_to_all: Lab) -> None:
    """Where writing is forbidden, old results are hits, new ones are computed; one warning."""
    lab = open_to_all
    lab.fill(range(10))
    before = lab.file.read_bytes()
    lab.file.chmod(0o444)
    lab.home.chmod(0o555)
    ended = lab.run(WITHOUT_RIGHTS + USE)
    assert (ended.status, ended.out) == (7, "done\n")
    assert ended.err.count("CacheFileWarning") == 1
    assert sorted(lab.called()) == list(range(20))
    assert (lab.files(), lab.file.read_bytes()) == (["cache.json"], before)


def test_read_only_folder_without_a_file(open_to_all: Lab) -> None:
    """Where no file can be made, the program works, with one warning."""
    lab = open_to_all
    lab.home.chmod(0o555)
    ended = lab.run(WITHOUT_RIGHTS + USE)
    assert (ended.status, ended.out) == (7, "done\n")
    assert ended.err.count("CacheFileWarning") == 1
    assert lab.files() == []


def test_hits_alone_need_no_permission_to_write(open_to_all: Lab) -> None:
    """A program that only finds hits does not warn about a folder that it may not write."""
    lab = open_to_all
    lab.fill(range(10))
    lab.file.chmod(0o444)
    lab.home.chmod(0o555)
    code = WITHOUT_RIGHTS + "desk = Desk()\nfor n in range(10): desk.get(n)"
    assert lab.run(code) == Ended(0, "", "")


def test_a_file_that_may_not_be_read(open_to_all: Lab) -> None:
    """A file that may not be read is left alone, and the program goes on without."""
    lab = open_to_all
    lab.fill(range(10))
    before = lab.file.read_bytes()
    lab.file.chmod(0)
    lab.home.chmod(0o777)
    ended = lab.run(WITHOUT_RIGHTS + USE)
    assert (ended.status, ended.out) == (7, "done\n")
    assert ended.err.count("CacheFileWarning") == 1
    lab.file.chmod(0o600)
    assert lab.file.read_bytes() == before
    assert lab.files() == ["cache.json"]


def a_socket(path: Path) -> None:
    """A socket that nobody answers; the working directory keeps its name short."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


THINGS: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a socket": a_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "the null device": lambda path: path.symlink_to("/dev/null"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("door", ["own", "drop-in"])
@pytest.mark.parametrize("thing", THINGS)
def test_something_else_in_the_files_place(lab: Lab, thing: str, door: str) -> None:
    """Something that is no file is left alone, no call waits for it, and one warning says so."""
    lab.door = door
    THINGS[thing](lab.file)
    before = os.lstat(lab.file)
    ended = lab.run(USE)
    assert (ended.status, ended.out) == (7, "done\n")
    assert ended.err.count("CacheFileWarning") == 1
    after = os.lstat(lab.file)
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert lab.files() == ["cache.json"]


def test_a_path_whose_folder_is_a_file(lab: Lab) -> None:
    """A path through a file warns once, and the program goes on."""
    (lab.home / "file").touch()
    ended = lab.run(USE, file=lab.home / "file" / "cache.json")
    assert (ended.status, ended.out) == (7, "done\n")
    assert ended.err.count("CacheFileWarning") == 1


@pytest.mark.parametrize("again", [False, True])
def test_the_folder_deleted_while_running(lab: Lab, again: bool) -> None:
    """Deleting a folder deletes the file; the running program goes on."""
    lab.fill(range(5))
    ours = Turns(lab)
    ours.do("desk.get(5)")
    shutil.rmtree(lab.home)
    ours.do("desk.get(6)")
    ours.do("assert desk.answer(5) == expected(5)")
    if again:
        lab.home.mkdir()
        ours.do("desk.get(7)")
    err = ours.end()
    assert err.count("CacheFileWarning") <= 3
    if again:
        tally = lab.tally()
        assert tally.checked - tally.lost >= 1
        assert lab.files() == ["cache.json"]
    else:
        assert not lab.home.exists()
        assert "CacheFileWarning" in err


NOWHERE = """
import os
os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
from outlive import Cache
f = Cache("cache.json").memoise(lambda x: x + 1)
print([f(n) for n in range({count})])
"""


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
@pytest.mark.parametrize(
    ("count", "told"), [(1, "; 1 result that is"), (2, "; 2 results that are")]
)
def test_unsaved_results_are_counted(script: Scripts, count: int, told: str) -> None:
    """The warning counts results; the salt of their keys is none."""
    ended = script(NOWHERE.format(count=count))
    assert ended.status == 0
    assert f"{told} in neither" in ended.err


def test_a_symbolic_link_is_followed(lab: Lab) -> None:
    """A link stays a link, its target is the file; nothing else is made beside the link."""
    real = lab.home / "real"
    real.mkdir()
    lab.file.symlink_to("real/store.json")
    lab.fill(range(5))
    lab.fill(range(5, 9))
    assert lab.file.is_symlink()
    assert (lab.files(), os.listdir(real)) == (["cache.json", "real"], ["store.json"])
    assert lab.tally() == (9, 0, 0)


def test_processes_by_way_of_a_link_and_of_the_file(lab: Lab) -> None:
    """Programs that use a link and programs that use the name itself share one cache."""
    link = lab.home / "link.json"
    link.symlink_to("cache.json")
    one, two = Turns(lab), Turns(lab, file=link)
    for n in range(0, 20, 2):
        one.do(f"desk.get({n})")
        two.do(f"desk.get({n})")
        two.do(f"desk.get({n + 1})")
    assert (one.end(), two.end()) == ("", "")
    assert sorted(lab.called()) == list(range(20))
    assert lab.files() == ["cache.json", "link.json"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o640])
def test_mode_is_kept(lab: Lab, mode: int) -> None:
    """A file keeps the mode that its user gave it, whatever the process's mask is."""
    lab.fill(range(5))
    lab.file.chmod(mode)
    lab.run("os.umask(0o077)\ndesk = Desk()\ndesk.get(5)")
    assert stat.S_IMODE(lab.file.stat().st_mode) == mode
    assert lab.tally() == (6, 0, 0)


def test_a_new_file_is_private(lab: Lab) -> None:
    """Nobody else can read what a new cache holds, not for a moment: journals neither."""
    code = """
    os.umask(0)
    desk = Desk()
    desk.get(1)
    folder = os.path.dirname(os.environ["FAULTS_FILE"])
    print([oct(os.stat(os.path.join(folder, name)).st_mode & 0o777) for name in os.listdir(folder)])
    """
    assert lab.run(code).out == "['0o600', '0o600']\n"
    assert stat.S_IMODE(lab.file.stat().st_mode) == 0o600


def test_ownership_is_kept(lab: Lab) -> None:
    """A file keeps its group, and its owner where the process may give files away."""
    lab.fill(range(5))
    groups = [group for group in os.getgroups() if group != lab.file.stat().st_gid]
    root = os.geteuid() == 0
    owner = (NOBODY, NOBODY) if root else (-1, (groups or [-1])[0])
    os.chown(lab.file, *owner)
    before = lab.file.stat()
    lab.fill(range(5, 9))
    after = lab.file.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_leftovers_of_dead_processes(lab: Lab) -> None:
    """The temporary file of a killed process is removed by the next save; foreign files stay."""
    lab.fill(range(3))
    (lab.home / "cache.json.tmp-1-2-3").write_bytes(b"half")
    others = ["cache.json.bak", "cache.json.journal-x", "cache.jsonx", "other.json.tmp-1-2-3"]
    for name in others:
        (lab.home / name).touch()
    lab.fill(range(3, 5))
    assert lab.files() == sorted(["cache.json", *others])


def test_a_living_process_keeps_its_temporary_file(lab: Lab) -> None:
    """While one process writes its temporary file, others neither remove it nor wait to compute."""
    lab.fill(range(1_000_000, 1_040_000))
    saving = lab.start("desk = Desk()\ndesk.get(1)\nsay('saving')\ndesk.cache.save()\nsay('saved')")
    assert saving.stdout is not None
    assert saving.stdout.readline() == "saving\n"
    for first in range(2, 32, 10):
        lab.fill(range(first, first + 10))
    assert finish(saving) == (0, "saved\n", "")
    assert lab.tally() == (40_000 + 31, 0, 0)
    assert lab.files() == ["cache.json"]


def test_nothing_is_written_if_nothing_changed(lab: Lab) -> None:
    """A program that only finds hits leaves the file as it was, to the nanosecond."""
    lab.fill(range(5))
    before = os.stat(lab.file)
    code = "desk = Desk()\nfor n in range(5): desk.get(n)\ndesk.cache.save()"
    assert lab.run(code) == Ended(0, "", "")
    after = os.stat(lab.file)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("mode", ["readonly", "off"])
def test_modes_that_write_nothing(lab: Lab, mode: str) -> None:
    """Mode readonly uses what a killed process left, mode off does not; both leave it alone."""
    lab.run("desk = Desk()\nfor n in range(5): desk.get(n)\nos._exit(0)")
    before = {name: (lab.home / name).read_bytes() for name in lab.files()}
    code = f"desk = Desk(mode={mode!r})\nfor n in range(8): desk.get(n)\ndesk.cache.save()"
    assert lab.run(code) == Ended(0, "", "")
    assert sorted(lab.called()[5:]) == ([5, 6, 7] if mode == "readonly" else list(range(8)))
    assert {name: (lab.home / name).read_bytes() for name in lab.files()} == before
