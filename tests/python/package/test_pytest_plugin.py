"""The pytest plugin, as a project with outlive installed sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOP = """
from outlive import Cache

cache = Cache("shop.json")
asked = []

@cache.memoise
def price(item):
    asked.append(item)
    return len(item)

@cache.memoise
async def later(item):
    asked.append(item)
    return len(item)

@cache.memoise(each="items")
def prices(items):
    asked.extend(items)
    return [len(item) for item in items]

class Shop:
    @cache.memoise(ignore=("self",))
    def name(self, n):
        asked.append(n)
        return str(n)
"""


def run(folder: Path, tests: str, *options: str, fails: bool = False, found: bool = False) -> str:
    """Run tests of a project in ``folder``; what pytest says.

    The plugin is ``found`` by its entry point, or named: other plugins take long to load.
    """
    named = [] if found else ["-p", "outlive._testing"]
    environment = os.environ | ({} if found else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "test_shop.py").write_text(tests, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *named,
            *options,
            "test_shop.py",
        ],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_cache_for_each_test(tmp_path: Path) -> None:
    """`outlive_cache` is empty in each test, has a file, and the plugin loads no drop-in."""
    tests = """
import sys

def test_plugin(): assert "outlive._drop_in" not in sys.modules
def test_one(outlive_cache):
    outlive_cache["a"] = 1
    outlive_cache.save()
    assert outlive_cache.path.endswith("cache.json")
def test_two(outlive_cache): assert len(outlive_cache) == 0
"""
    assert "3 passed" in run(tmp_path, tests, "--strict-markers")
    assert sorted(path.name for path in tmp_path.glob("*.json")) == []


REDIRECTED = """
import asyncio, pytest, shop
kept = []

@pytest.fixture(autouse=True)
def copy(outlive_redirect):
    shop.asked.clear()
    return outlive_redirect(shop.cache)

@pytest.mark.parametrize("n", range(4))
def test_on_a_copy(copy, n):
    assert shop.price("tea") == 3
    assert shop.asked == [], "it is in the file"
    assert shop.price(f"new {n}") == shop.price(f"new {n}") == 5
    assert asyncio.run(shop.later("rum")) == asyncio.run(shop.later("rum")) == 3
    assert shop.prices(["a", "tea"]) == [1, 3]
    assert shop.Shop().name(1) == shop.Shop().name(1) == "1"
    assert shop.asked == [f"new {n}", "rum", "a", "tea", 1]
    assert shop.price.cache_info().misses == 1
    assert shop.price.peek("tea") == 3
    assert shop.price.forget("tea") and not shop.price.cache_contains("tea")
    assert shop.later.peek("rum") == 3
    assert shop.price.refresh("tea") == 3
    assert len(shop.cache) == 6
    assert shop.cache.path == str(copy)
    shop.cache.clear()
    assert shop.price("tea") == 3
    assert copy.exists() or not shop.cache.save()
    kept.append(shop.price.cache_info)  # what stood in for a function lives on
"""


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n2")], ids=["alone", "xdist"])
def test_an_existing_cache_on_a_copy(tmp_path: Path, options: tuple[str, ...]) -> None:
    """`outlive_redirect` has a cache of the program and its functions work on a copy: the file stays as it was, with xdist, too."""
    program = "import shop; shop.price('tea'); shop.cache.close()"
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    before = (tmp_path / "shop.json").read_bytes()
    assert "4 passed" in run(tmp_path, REDIRECTED, *options)
    assert (tmp_path / "shop.json").read_bytes() == before
    assert [path.name for path in tmp_path.glob("shop.json*")] == ["shop.json"]


def test_afterwards_the_cache_is_what_it_was(tmp_path: Path) -> None:
    """After the test all functions work on their own file again, and count as before."""
    tests = """
import shop

def test_before(): assert shop.price("milk") == 4
def test_copy(outlive_redirect):
    outlive_redirect(shop.cache)
    assert shop.price("milk") == 4
    assert shop.price.forget("milk")
    assert shop.price("water") == 5
def test_after():
    shop.asked.clear()
    assert shop.price("milk") == 4
    assert shop.asked == []
    assert shop.price.peek("water") is None
    assert shop.cache.path.endswith("shop.json")
    assert shop.price.cache_info()[:2] == (1, 1)
"""
    assert "3 passed" in run(tmp_path, tests)


def test_a_mode_by_marker(tmp_path: Path) -> None:
    """`@pytest.mark.outlive(mode="offline")` holds for every cache, in fixtures, too, and for this test alone."""
    tests = """
import pytest, shop
from outlive import CacheMiss

@pytest.fixture
def asking():
    with pytest.raises(CacheMiss): shop.price("rum")

@pytest.mark.outlive(mode="offline")
def test_offline(asking, outlive_cache):
    with pytest.raises(CacheMiss): shop.price("tea")
    with pytest.raises(CacheMiss): outlive_cache.memoise(len)("tea")

def test_online(): assert shop.price("tea") == 3

@pytest.mark.outlive(mode="off")
class TestOff:
    def test_off(self):
        shop.asked.clear()
        assert shop.price("tea") == shop.price("tea") == 3
        assert len(shop.asked) == 2
"""
    assert "3 passed" in run(tmp_path, tests, "--strict-markers")


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('outlive("offline")', 'write @pytest.mark.outlive(mode="offline")'),
        ("outlive", "write @pytest.mark.outlive"),
        ('outlive(mode="of")', "mode='of': must be one of"),
    ],
)
def test_a_wrong_marker(tmp_path: Path, marker: str, words: str) -> None:
    """A wrong marker stops pytest with a message."""
    tests = f"import pytest\n\n@pytest.mark.{marker}\ndef test_it(): pass\n"
    assert words in run(tmp_path, tests, fails=True)


def test_fixtures_are_listed(tmp_path: Path) -> None:
    """`pytest --fixtures` and `--markers` tell of the plugin."""
    listed = run(tmp_path, "def test_it(): pass", "--fixtures", found=True)
    assert "outlive_cache" in listed
    assert "outlive_redirect" in listed
    assert "@pytest.mark.outlive(mode=" in run(tmp_path, "def test_it(): pass", "--markers")
