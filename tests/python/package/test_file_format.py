"""docs/file-format.md holds: a reader of 150 lines and outlive agree about every kind of file."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning
from outlive._drop_in import DropInCache

ROOT = Path(__file__).parents[3]
FIXTURES = sorted(folder for folder in (ROOT / "tests" / "fixtures").iterdir())


def expected_of(folder: Path) -> Any:
    """What a reader must find: entries by key, or None if the file is not to be used."""
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reader() -> ModuleType:
    """The reference reader."""
    spec = importlib.util.spec_from_file_location("read_cache", ROOT / "docs" / "read_cache.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_reference_reader(reader: ModuleType, folder: Path) -> None:
    """The reference reader finds in each file what stands beside it, in its order."""
    expected = expected_of(folder)
    if expected is None:
        with pytest.raises(reader.LaterVersionError):
            reader.read(folder / "cache.json")
        return
    found = {key: entry._asdict() for key, entry in reader.read(folder / "cache.json").items()}
    assert found == expected
    assert list(found) == list(expected)


def test_the_reference_reader_is_short() -> None:
    """The format is so simple that a reader fits on three pages."""
    assert len((ROOT / "docs" / "read_cache.py").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("kind", [Cache, DropInCache])
@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_outlive_reads_the_same(
    folder: Path, kind: type[Cache], tmp_path: Path, reader: ModuleType
) -> None:
    """Both doors find the same results, and what they save is what they found, in its format."""
    expected = expected_of(folder)
    if expected is None:
        pytest.skip("test_later_versions_are_left_alone is about these")
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "cache.json"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with kind(path) as cache:
            values = {key: entry for key, entry in expected.items() if not entry["is_error"]}
            found = {key: json.loads(json.dumps(cache[key])) for key in cache if key in values}
            assert list(cache) == list(expected)
            assert found == {key: plain(entry["value"]) for key, entry in values.items()}
            cache["new"] = 1
    saved = {key: entry._asdict() for key, entry in reader.read(path).items()}
    assert saved.pop("new")["value"] == 1
    assert {key: entry["value"] for key, entry in saved.items()} == {
        key: entry["value"] for key, entry in expected.items()
    }
    if folder.name.startswith(("annotated", "merged", "journals")):
        assert {key: entry for key, entry in saved.items() if entry["at"] is not None} == {
            key: entry | {"at": saved[key]["at"]} for key, entry in expected.items()
        }


@pytest.mark.parametrize("kind", [Cache, DropInCache])
@pytest.mark.parametrize("name", ["later-annotated", "later-flat"])
def test_later_versions_are_left_alone(name: str, kind: type[Cache], tmp_path: Path) -> None:
    """A file of a later version is not touched, with a warning; nothing is served from it."""
    path = tmp_path / "cache.json"
    shutil.copy(ROOT / "tests" / "fixtures" / name / "cache.json", path)
    before = path.read_bytes()
    with pytest.warns(CacheFileWarning, match="later version"), kind(path) as cache:
        assert list(cache) == []
        cache["new"] = 1
        cache.save()
    assert path.read_bytes() == before


def plain(value: Any) -> Any:
    """A value as JSON shows it once outlive has decoded it."""
    if isinstance(value, dict) and "$$shop:Repo" in value:
        return {"$shop:Repo": value["$$shop:Repo"]}
    for tag in ("$tuple", "$collections:Counter"):
        if isinstance(value, dict) and tag in value:
            return value[tag]
    return value


def git(folder: Path, *arguments: str) -> str:
    """Run git in a repository of its own."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_branches_merge_without_conflicts(tmp_path: Path) -> None:
    """Two branches add 100 entries each: git's merge=union keeps all 200, on either base."""
    path = tmp_path / "c.json"

    def add(branch: str) -> None:
        with Cache(path) as cache:

            @cache.memoise(name=branch)
            def work(number: int) -> dict[str, int]:
                return {branch: number}

            for number in range(100):
                work(number)
        git(tmp_path, "commit", "-qam", branch)

    git(tmp_path, "init", "-q", "-b", "base")
    (tmp_path / ".gitattributes").write_text("*.json merge=union\n")
    with Cache(path) as cache:
        cache["base"] = 0
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    for branch in ("one", "two"):
        git(tmp_path, "checkout", "-q", "-b", branch, "base")
        add(branch)
    git(tmp_path, "merge", "-q", "-m", "merged", "one")
    merged = path.rename(tmp_path / "merged.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Cache(merged) as cache:
            kept = dict(cache)
    assert len(kept) == 201
    assert all(
        kept[f"{name}(number={n})"] == {name: n} for name in ("one", "two") for n in range(100)
    )
    added = git(tmp_path, "diff", "base", "HEAD", "--", "c.json").splitlines()
    assert not [line for line in added if line.startswith("-") and not line.startswith("---")]
