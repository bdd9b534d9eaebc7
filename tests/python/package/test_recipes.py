"""The programs under `examples/recipes/`: each is run, and says what docs/recipes.md promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import ROOT

RECIPES = ROOT / "examples" / "recipes"
#: What each program needs beside httpx, and what it prints, line by line.
PRINTS = {
    "retries_stamina": ("stamina", ["3 3", "3 attempts, 1 call"]),
    "retries_tenacity": ("tenacity", ["3 3", "3 attempts, 1 call"]),
    "rate_limit_pyrate": ("pyrate_limiter", ["800 in 100 calls, 10 of the quota"]),
    "rate_limit_aiolimiter": ("aiolimiter", ["800 in 100 calls, 10 of the quota"]),
    "retry_after": (
        "httpx",
        ["tea 3", "milk 4", *["rum come back in 60 s"] * 3, "tea 3", "3 requests"],
    ),
    "etag": ("httpx", ["rain rain", "rain rain", "sun sun", "3 requests, 1 not modified"]),
    "llm_evaluation": (
        "pydantic",
        [
            "300 answers, 3430 tokens, 200 failed, 500 requests",
            "500 answers, 5780 tokens, 0 failed, 200 requests",
            "500 answers, 5780 tokens, 0 failed, 0 requests",
        ],
    ),
    "embeddings": ("httpx", ["250 vectors, 3 requests", "300 vectors, 4 requests"]),
    "scraper": ("httpx", ["20 of 20 pages, 20 requests"] * 2),
    "pandas_column": ("pandas", ["{'France': 300, 'Italy': 200} 3 asked for"]),
    "fastapi_app": (
        "fastapi",
        [
            "{'item': 'tea', 'currency': 'EUR', 'price': 3} 1",
            "{'item': 'tea', 'currency': 'EUR', 'price': 3} 1",
            "{'item': 'tea', 'currency': 'USD', 'price': 3} 2",
            "{'forgotten': 2}",
            "{'item': 'tea', 'currency': 'EUR', 'price': 3} 3",
        ],
    ),
    "django_view": (
        "django",
        [f"{{'item': 'tea', 'price': 3}} {n}" for n in (1, 1, 2)],
    ),
    "flask_app": (
        "flask",
        [
            "{'item': 'tea', 'price': 3} 1",
            "{'item': 'tea', 'price': 3} 1",
            "{'forgotten': 1}",
            "{'item': 'tea', 'price': 3} 2",
        ],
    ),
    "mcp_tool": (
        "mcp",
        [
            "tea {'result': 3} False",
            "tea {'result': 3} False",
            "gold None True",
            "gold None True",
            "['tea', 'gold', 'gold']",
        ],
    ),
    "notebook": ("nbclient", ["[3, 4, 3] asked for 2", "[3, 4, 3] asked for 0"]),
}


@pytest.mark.parametrize("name", PRINTS)
def test_recipe(name: str, tmp_path: Path) -> None:
    """A recipe does what it says, in an empty folder."""
    needed, lines = PRINTS[name]
    pytest.importorskip(needed)
    done = subprocess.run(
        [sys.executable, "-m", f"recipes.{name}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(RECIPES.parent), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == lines


def test_every_recipe_is_run_and_told() -> None:
    """Each program is run here, and docs/recipes.md names it."""
    programs = {path.stem for path in RECIPES.glob("*.py")} - {"__init__", "service"}
    assert programs == set(PRINTS)
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`examples/recipes/(\w+)\.py`", page)) == programs


def test_the_action_keeps_what_a_run_has() -> None:
    """The GitHub Action restores the newest file by its prefix, and saves also after a failure, under a key of its own."""
    text = (RECIPES / "github-action.yml").read_text(encoding="utf-8")
    keys = re.findall(r"^ +key: (.*)$", text, re.MULTILINE)
    (prefix,) = re.findall(r"^ +restore-keys: (.*)$", text, re.MULTILINE)
    assert len(keys) == 2
    assert all(key.startswith(prefix) and "github.run_id" in key for key in keys)
    assert re.search(r"if: always\(\)\n +uses: actions/cache/save@", text)
    assert len(set(re.findall(r"^ +path: (.*)$", text, re.MULTILINE))) == 1
