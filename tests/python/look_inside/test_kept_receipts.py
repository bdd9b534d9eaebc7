"""``Cache(receipts=True)``: counts and savings of all runs together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from look_inside.terminal import Shell
from outlive import Cache
from support.programs import Scripts, untyped

PROGRAM = """
    import os, sys, time
    from outlive import Cache
    cache = Cache("c.json", receipts=True, cost=0.5)
    @cache.memoise(name="f")
    def f(x):
        time.sleep(0.02)
        return x
    for x in map(int, sys.argv[1:]):
        f(x)
"""


def kept(folder: Path) -> Any:
    """The receipts of all runs."""
    return Cache(folder / "c.json", receipts=True).receipts(all_runs=True)


def test_runs_add_up(script: Scripts, shell: Shell) -> None:
    """Calls, hits, seconds and money of runs one after another are summed, and ``stats`` shows them."""
    script.output(PROGRAM, "1", "2", "1")
    script.output(PROGRAM, "1", "2", "2", "3")
    found = kept(script.folder)
    assert found[:3] == (7, 4, 3) and found.cost_saved == 2.0
    assert 4 * 0.02 <= found.seconds_saved < 4
    assert shell("stats", "c.json", "--json").json["receipts"]["hits"] == 4
    assert "receipts of all runs: 4 of 7 calls saved, " in shell("stats", "c.json").out
    assert (script.folder / "c.json.receipts").stat().st_mode & 0o777 == 0o600


def test_runs_at_once(script: Scripts) -> None:
    """Eight programs that end at once lose no count, also when the file is summed up."""
    (script.folder / "c.json.receipts").write_text('{"g": [1, 0, 1, 0.0, 0.0]}\n' * 3000)
    script.output(PROGRAM, "1")
    running = [script.start(PROGRAM, *("1",) * 10) for _ in range(8)]
    for program in running:
        with program:
            assert program.communicate(timeout=60) == ("", "")
    assert kept(script.folder)[:3] == (3081, 80, 3001)
    assert (script.folder / "c.json.receipts").stat().st_size < 2000


def test_nothing_is_counted_twice(tmp_path: Path) -> None:
    """What was written at ``close`` is not written again, and shows with what came since."""
    cache = Cache(tmp_path / "c.json", receipts=True)
    f = cache.memoise(lambda x: x, name="f")
    f(1), f(1)
    for _ in range(3):
        cache.close()
    f(1)
    assert cache.receipts(all_runs=True)[:3] == (3, 2, 1) == cache.receipts()[:3]
    cache.close()
    assert kept(tmp_path)[:3] == (3, 2, 1)
    numbers = [json.loads(line) for line in (tmp_path / "c.json.receipts").read_text().splitlines()]
    assert [line["f"][0] for line in numbers] == [2, 1]


def test_forks_count_for_themselves(script: Scripts) -> None:
    """A child that ends as a program does adds what it did itself."""
    source = (
        PROGRAM
        + """
    pid = os.fork()
    f(1)
    if pid:
        os.waitpid(pid, 0)
    """
    )
    script.output(source, "1", "1")
    assert kept(script.folder)[:3] == (4, 3, 1)


@pytest.mark.parametrize("mode", ["readonly", "offline", "off"])
def test_modes_that_write_nothing_keep_none(tmp_path: Path, mode: Any) -> None:
    """A read-only cache leaves no receipts, and there are none unless asked for."""
    with Cache(tmp_path / "c.json") as cache:
        cache.memoise(lambda x: x, name="f")(1)
    with Cache(tmp_path / "c.json", receipts=True, mode=mode) as cache:
        cache.memoise(lambda x: x, name="f")(1)
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_damage_and_mistakes(tmp_path: Path) -> None:
    """Torn lines are skipped; an unwritable folder warns; misuse is refused."""
    (tmp_path / "c.json.receipts").write_text('{"f": [2, 1, 1, 0.5, 0.0]}\n{"f": [2, 1\nnull\n3\n')
    assert kept(tmp_path) == (2, 1, 1, 0.5, 0.0)
    (tmp_path / "d.json.receipts").mkdir()
    cache = Cache(tmp_path / "d.json", receipts=True)
    f = cache.memoise(lambda x: x, name="f")
    f(1)
    with pytest.warns(UserWarning, match="receipts of this run are not kept"):
        cache.close()
    with pytest.raises(ValueError, match="needs a cache in a file"):
        Cache(None, receipts=True)
    with pytest.raises(TypeError, match="receipts="):
        untyped(Cache)(tmp_path / "e.json", receipts="yes")
    with pytest.raises(ValueError, match="receipts=True"):
        Cache(None).receipts(all_runs=True)
