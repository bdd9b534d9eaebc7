"""The page of ``outlive report``, in a real browser: its numbers are the file's, its parts work."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from look_inside.terminal import Shell
from outlive import Cache

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium (Debian: apt-get install chromium; pip install --group look)."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: make look has it"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, shell: Shell, shop: Path) -> Iterator[Any]:
    """The page of the shop, without a network; an error on the console fails the test."""
    with Cache(shop) as cache:
        cache["<b>bold</b>"] = "</script>"
    assert shell("report", shop, "--html", "shop.html").status == 0
    context = browser.new_context(offline=True)
    opened, errors, asked = context.new_page(), list[str](), list[str]()
    opened.on("console", lambda message: errors.append(message.text))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((shop.parent / "shop.html").as_uri())
    yield opened
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_numbers_are_the_files(page: Any, shell: Shell, shop: Path) -> None:
    """Totals, functions, histograms and rows are those of ``stats`` and of the file."""
    stats = shell("stats", shop, "--json").json
    tiles = dict(
        zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True)
    )
    assert tiles["entries"] == str(stats["entries"]) == "8"
    assert tiles["size"] == f"{stats['size']} B"
    charts = page.locator("svg").all()
    said = [chart.get_attribute("aria-label") for chart in charts]
    assert said[0].startswith("Bytes by function: shop.fetch: ") and "3 entries" in said[0]
    for label in said[1:]:
        assert sum(map(int, re.findall(r": (\d+)(?=;|$)", label))) in (7, 8), label
    assert page.locator("tbody tr").count() == 8
    keys = page.locator("tbody th").all_inner_texts()
    assert set(keys) == set(json.loads(shop.read_bytes())) - {"outlive"}
    assert page.locator("tbody b").count() == 0


def test_the_filter_works(page: Any) -> None:
    """What is typed leaves the rows whose key has it; the count is said."""
    page.get_by_label("Filter").fill("PAGE=2")
    assert page.locator("tbody tr:visible th").all_inner_texts() == ['shop.fetch(uri="/x", page=2)']
    assert page.locator("output").inner_text() == "1 of 8"
    page.get_by_label("Filter").fill("")
    assert page.locator("tbody tr:visible").count() == 8


def test_the_keyboard_sorts(page: Any) -> None:
    """A heading is a button: Tab leads there, Enter sorts, and it says in which direction."""
    page.get_by_label("Filter").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "size"
    page.keyboard.press("Enter")
    sizes = [
        int(cell.get_attribute("data-value"))
        for cell in page.locator("tbody td:nth-child(3)").all()
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("size")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").count() == 1


def test_light_and_dark(page: Any) -> None:
    """The page follows the system, with enough contrast in both, and fits a phone."""
    colours = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        style = "(() => {const s = getComputedStyle(document.querySelector('.outlive')); return [s.color, s.backgroundColor]})()"
        colours[scheme] = [_luminance(colour) for colour in page.evaluate(style)]
    assert colours["light"][1] > 0.9 and colours["dark"][1] < 0.1
    for text, back in colours.values():
        high, low = max(text, back) + 0.05, min(text, back) + 0.05
        assert high / low > 7
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _luminance(colour: str) -> float:
    """The relative luminance of ``rgb(...)``, as WCAG has it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_large_cache_shows_what_matters(shell: Shell, tmp_path: Path) -> None:
    """Of many entries the table has the largest and the slowest, and says so; the sums are of all."""
    lines = [
        f'"f(x={n})": {{"result": {"9" * (n % 700 + 1)}, "at": 1e9, "took": {n / 1000}}}'
        for n in range(5000)
    ]
    (tmp_path / "c.json").write_text(
        "{\n" + ",\n".join([*lines, '"outlive": {"format": 2}']) + "\n}\n"
    )
    text = shell("report", "c.json", "--html", "-").out
    assert "The largest and slowest entries, of 5,000" in text and "<dd>5,000</dd>" in text
    rows = re.findall(r'<th scope="row" data-value="([^"]+)"', text)
    assert 500 <= len(rows) <= 1000 and {"f(x=699)", "f(x=4999)"} <= set(rows)
    assert "f(x=4)" not in rows


def test_notebooks_show_the_same(shop: Path) -> None:
    """``cache.report()`` in a notebook has the charts of the page and the calls of this process."""
    cache = Cache(shop)
    f = cache.memoise(lambda x: x, name="f")
    f(1), f(1)
    html = cache.report()._repr_html_()
    assert "Calls in this process" in html and "Bytes by function" in html
    assert "<script" not in html and html.count("<svg") == 4


def test_status_and_json(shell: Shell, shop: Path) -> None:
    """``--json`` says what was written; an empty cache is nothing, a missing one is trouble."""
    printed = shell("report", shop, "--html", "x.html", "--json")
    assert (
        printed.json["entries"] == 7
        and printed.json["size"] == (shop.parent / "x.html").stat().st_size
    )
    assert shell("report", "missing.json", "--html", "y.html").status == 2
    assert not (shop.parent / "y.html").exists()
    assert shell("report", shop).status == 2
