"""``outlive rm``, ``prune``, ``merge``, ``copy``, ``export``, ``freeze``: what changes files, and how far."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from look_inside.terminal import Shell
from outlive import Cache, CacheMiss
from support.clock import Clock
from support.files import results

FETCHED = 'shop.fetch(uri="/x", page={})'


def keys(path: Path) -> list[str]:
    """The keys in a file."""
    return list(results(path))


def cache_of(path: Path, entries: dict[int, Any], at: float = 1e9) -> Path:
    """Write a cache with these results of ``f``, all made at one time."""
    clock = Clock()
    clock.now = at
    with Cache(path, clock=clock) as cache:
        f = cache.memoise(lambda x: entries[x], name="f")
        for x in entries:
            f(x)
    return path


def test_rm_removes_one_or_a_pattern(shell: Shell, shop: Path) -> None:
    """A key or a part of one key; patterns with * and ?; ``--dry-run`` changes nothing."""
    before = shop.read_bytes()
    dry = shell("rm", shop, "*fetch*", "--dry-run")
    assert dry.lines == [FETCHED.format(page) for page in (1, 2, 3)]
    assert "would remove 3 entries" in dry.err and shop.read_bytes() == before
    assert shell("rm", shop, "page=2").err == "removed 1 entry, 27 B\n"
    assert FETCHED.format(2) not in keys(shop) and len(keys(shop)) == 6
    assert shell("rm", shop, "*fetch*").status == 0
    assert len(keys(shop)) == 4
    assert shell("rm", shop, "coffee").status == 1
    assert shell("rm", shop, "price").status == 2


def test_more_than_a_handful_is_asked_for(shell: Shell, shop: Path) -> None:
    """On a terminal there is a question, in a pipe nothing happens without ``--yes``."""
    refused = shell("rm", shop, "*")
    assert refused.status == 2 and "say --yes" in refused.err and len(keys(shop)) == 7
    child = shell.terminal("rm", shop, "*")
    child.expect("remove 7 entries.*\\?")
    child.sendline("n")
    child.expect(pexpect.EOF)
    assert len(keys(shop)) == 7
    child = shell.terminal("rm", shop, "*")
    child.expect("remove 7 entries.*\\?")
    child.sendline("y")
    child.expect(pexpect.EOF)
    assert keys(shop) == []


def test_prune_by_age_function_and_size(shell: Shell, shop: Path) -> None:
    """All options must hold for an entry to be removed; beyond a size the oldest are."""
    age = f"{int(__import__('time').time() - 1e9 + 1.5 * 86400)}s"
    assert shell("prune", shop, "--older-than", age, "--dry-run").lines == [FETCHED.format(1)]
    assert shell("prune", shop, "--older-than", "1d", "--function", "fetch", "--yes").status == 0
    assert len(keys(shop)) == 4
    assert shell("prune", shop, "--max-bytes", "7", "--yes").err == "removed 2 entries, 6 B\n"
    assert len(keys(shop)) == 2
    assert shell("prune", shop, "--max-bytes", "1kB").status == 1
    assert shell("prune", shop).status == 2
    assert shell("prune", shop, "--max-bytes", "much").status == 2


def test_prune_old_code(shell: Shell, tmp_path: Path) -> None:
    """Entries made by other code than the newest result of the function are removed."""
    path, clock = tmp_path / "c.json", Clock()
    for body in (lambda x: x, lambda x: x + 1):
        clock.now += 1
        with Cache(path, clock=clock) as cache:
            cache.memoise(body, name="f")(clock.now)
            cache.memoise(lambda x: 0, name="g")(clock.now)
    assert shell("prune", path, "--old-code").status == 0
    assert keys(path) == ["g(x=1000000001.0)", "f(x=1000000002.0)", "g(x=1000000002.0)"]


def test_diff(shell: Shell, tmp_path: Path) -> None:
    """Keys of one side, of the other, and of both with another value; status as diff."""
    cache_of(tmp_path / "a.json", {1: "a", 2: "b", 3: "c"})
    cache_of(tmp_path / "b.json", {2: "b", 3: "d", 4: "e"})
    found = shell("diff", "a.json", "b.json")
    assert found.status == 1 and found.lines == ["- f(x=1)", "+ f(x=4)", "~ f(x=3)"]
    assert shell("diff", "a.json", "a.json").status == 0
    assert shell("diff", "a.json", "b.json", "--json").json["changed"] == ["f(x=3)"]


def test_merge_takes_the_newest(shell: Shell, tmp_path: Path) -> None:
    """Where both have an entry the newer wins, whichever side it is on; no file is overwritten."""
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    cache_of(a, {1: "old", 2: "a"}, 1e9), cache_of(b, {1: "new", 3: "b"}, 1e9 + 1)
    for one, other in ((a, b), (b, a)):
        into = tmp_path / f"from-{one.stem}.json"
        assert shell("merge", one, other, "-o", into).status == 0
        assert results(into) == {"f(x=1)": "new", "f(x=2)": "a", "f(x=3)": "b"}
    assert shell("merge", a, b, "-o", tmp_path / "from-a.json").status == 2
    assert shell("merge", a, b, "-o", b).status == 0
    assert len(results(b)) == 3 and len(results(a)) == 2
    times = {
        key: entry["at"] for key, entry in json.loads(b.read_bytes()).items() if key != "outlive"
    }
    assert times["f(x=2)"] == 1e9 and times["f(x=3)"] == 1e9 + 1


def test_merge_as_gits_driver(shell: Shell, tmp_path: Path) -> None:
    """Real git merges branches that add, replace and remove entries, where it alone would not."""
    cache = tmp_path / "c.json"

    def git(*words: str) -> str:
        names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
        committer = {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        done = subprocess.run(
            ["git", *words],
            cwd=tmp_path,
            env=os.environ | names | committer,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done
        return done.stdout

    git("init", "-q", "-b", "main")
    driver = f"'{sys.executable}' -m outlive merge --base %O %A %B -o %A"
    git("config", "merge.outlive.driver", driver)
    (tmp_path / ".gitattributes").write_text("*.json merge=outlive\n")
    cache_of(cache, {1: "base", 2: "base", 3: "base"})
    git("add", "."), git("commit", "-qm", "base")
    git("checkout", "-qb", "other")
    with Cache(cache) as mine:
        del mine["f(x=2)"]
    cache_of(cache, {4: "theirs"}, 1e9 + 5)
    git("commit", "-qam", "theirs"), git("checkout", "-q", "main")
    with Cache(cache) as mine:
        del mine["f(x=1)"]
        mine["f(x=3)"] = "ours"
    git("commit", "-qam", "ours"), git("merge", "-q", "other", "-m", "both")
    assert results(cache) == {"f(x=3)": "ours", "f(x=4)": "theirs"}
    assert git("status", "--porcelain") == ""


def test_copy_goes_on_where_it_was(shell: Shell, shop: Path) -> None:
    """Entries come with times and notes; newer ones there stay; a second run has nothing to do."""
    target = shop.parent / "copy.json"
    assert shell("copy", shop, target).err.endswith(f"copied 7 entries; {target} has 7\n")
    assert json.loads(target.read_bytes()) == json.loads(shop.read_bytes())
    assert "copied 0 entries" in shell("copy", shop, target).err
    with Cache(target) as cache:
        cache[FETCHED.format(1)] = "newer"
        del cache[FETCHED.format(2)]
    assert "copied 1 entry" in shell("copy", shop, target).err
    assert results(target)[FETCHED.format(1)] == "newer"
    assert shell("copy", "missing.json", target).status == 2


def test_calls_with_secrets_and_closures_are_found_in_a_copy(shell: Shell, tmp_path: Path) -> None:
    """The salt of digests goes along: what a function closes over, and secrets, still lead to results."""
    token = "hunter2"

    def calls(path: Path) -> Any:
        model = "m1"

        def ask(prompt: str, token: str) -> str:
            return model + prompt

        return Cache(path).memoise(ask, secret=("token",))

    calls(tmp_path / "a.json")("hi", token=token)
    assert shell("copy", tmp_path / "a.json", tmp_path / "b.json").status == 0
    assert shell("merge", "a.json", "b.json", "-o", "c.json").status == 0
    assert shell("freeze", "a.json").status == 0
    for name in ("b.json", "c.json", "a.frozen.json"):
        assert calls(tmp_path / name).explain("hi", token=token).is_hit, name


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_export_and_import(shell: Shell, shop: Path, kind: str) -> None:
    """What was exported is the same again after the import; jsonl keeps times and notes, too."""
    exported = shell("export", shop, "--format", kind).out
    if kind == "json":
        assert json.loads(exported) == results(shop)
    else:
        assert [json.loads(line)["key"] for line in exported.splitlines()] == keys(shop)
    done = shell("import", "again.json", "-", given=exported)
    assert done.status == 0 and done.err == "imported 7 entries into again.json\n"
    again = shop.parent / "again.json"
    assert results(again) == results(shop)
    if kind == "jsonl":
        old, new = json.loads(shop.read_bytes()), json.loads(again.read_bytes())
        assert {k: v for k, v in new.items() if k != "outlive"} == {
            k: v for k, v in old.items() if k != "outlive"
        }
    broken = shell("import", "other.json", "-", given='{"key": 3}\n')
    assert broken.status == 2 and "entry 1" in broken.err


def test_export_as_every_command_says_json(shell: Shell, shop: Path) -> None:
    """``--json`` gives one document, as ``--format json`` does."""
    one = shell("export", shop, "--json")
    assert one.json == shell("export", shop, "--format", "json").json


def test_special_values_come_through(shell: Shell, tmp_path: Path) -> None:
    """Tuples, bytes, surrogates, infinities, long integers: export and import change nothing."""
    values = [(1, b"x"), {"a": float("inf")}, "\ud83d\n", 10**400, [[]], None, -0.0, {1: 2}]
    with Cache(tmp_path / "a.json") as cache:
        for number, value in enumerate(values):
            cache[f"k{number}"] = value
    for kind in ("json", "jsonl"):
        assert shell("export", "a.json", "--format", kind, "-o", f"out.{kind}").status == 0
        assert shell("import", f"{kind}.json", f"out.{kind}").status == 0
        with Cache(tmp_path / f"{kind}.json", mode="readonly") as cache:
            assert [repr(cache[f"k{n}"]) for n in range(len(values))] == [repr(v) for v in values]


def test_freeze_is_canonical(shell: Shell, tmp_path: Path) -> None:
    """The same results make the same bytes, whenever and in whatever order; sha256sum agrees."""
    (
        cache_of(tmp_path / "a.json", {1: "a", 2: "é"}, 1e9),
        cache_of(tmp_path / "b.json", {2: "é", 1: "a"}, 2e9),
    )
    for name in ("a", "b"):
        assert shell("freeze", f"{name}.json", "-o", f"{name}.frozen").status == 0
    frozen = (tmp_path / "a.frozen").read_bytes()
    assert frozen == (tmp_path / "b.frozen").read_bytes()
    assert json.loads(frozen) == {"f(x=1)": "a", "f(x=2)": "é"}
    digest = (tmp_path / "a.frozen.sha256").read_text()
    assert digest == f"{hashlib.sha256(frozen).hexdigest()}  a.frozen\n"
    assert shell("freeze", "a.json", "-o", "a.frozen").status == 2


def test_mode_frozen(shell: Shell, tmp_path: Path) -> None:
    """Hits at any age, CacheMiss on a miss, no file is touched; a changed file fails."""
    path = tmp_path / "paper.json"
    cache_of(tmp_path / "a.json", {1: "a"}, 1e9)
    assert shell("freeze", "a.json", "-o", path).status == 0
    before = sorted(file.name for file in tmp_path.iterdir())
    frozen = Cache(path, mode="frozen")
    f = frozen.memoise(lambda x: "computed", name="f", ttl=0.001)
    assert f(1) == "a" and f(1) == "a" and f.explain(1).is_hit
    with pytest.raises(CacheMiss, match=r"'frozen'.*x: 1 -> 2"):
        f(2)
    frozen["k"] = 1
    frozen.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == before
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"b"'))
    with pytest.raises(ValueError, match="changed since it was frozen"):
        Cache(path, mode="frozen").memoise(lambda x: x, name="f")(1)
    (tmp_path / "paper.json.sha256").unlink()
    with pytest.raises(ValueError, match="needs the file and its digest"):
        Cache(path, mode="frozen").memoise(lambda x: x, name="f")(1)


def test_why(shell: Shell, shop: Path) -> None:
    """A call as in Python: kept, or how the nearest kept call differs; no code is imported."""
    hit = shell("why", shop, 'fetch("/x", 2)')
    assert hit.status == 0 and hit.out.startswith("hit: ") and "made 2001-09-08" in hit.out
    miss = shell("why", shop, 'shop.fetch("/x", page=9)')
    assert (
        miss.status == 1 and miss.out.rstrip().endswith("-> 9") and "differs in page: " in miss.out
    )
    assert shell("why", shop, "unknown(1)").out.startswith(
        "miss: unknown(1) was never seen: no function"
    )
    assert shell("why", shop, FETCHED.format(1)).status == 0
    every = shell("why", shop, "fetch('/x')", "--json").json
    assert len(every["kept"]) == 3 and every["reason"] is None
    for bad in ("fetch(", "fetch", "fetch(x)", "fetch(1, 2, 3)", "__import__('os').remove('x')"):
        assert shell("why", shop, bad).status in (1, 2), bad
