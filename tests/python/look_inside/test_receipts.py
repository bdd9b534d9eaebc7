"""Receipts: calls, hits and misses, and what hits saved, of a function, a cache, a process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, Receipts
from support.files import results
from support.programs import Scripts


def test_seconds_saved_are_hits_times_the_mean(tmp_path: Path) -> None:
    """Each hit counts as the mean time of the function's kept calls, also in a later run."""
    path = tmp_path / "c.json"
    cache = Cache(path)

    @cache.memoise(name="slow")
    def slow(x: int) -> int:
        time.sleep(0.02 * x)
        return x

    slow(1), slow(3)
    assert slow.receipts() == (2, 0, 2, 0.0, 0.0)
    for _ in range(10):
        slow(1)
    found = slow.receipts()
    took = [entry.took for x in (1, 3) if (entry := slow.provenance(x))]
    mean = sum(each for each in took if each is not None) / 2
    assert found[:3] == (12, 10, 2) and found.seconds_saved == pytest.approx(10 * mean)
    assert found.seconds_saved >= 10 * 0.04
    cache.close()
    again = Cache(path).memoise(lambda x: x, name="slow", on_code_change="ignore")
    again(1)
    assert again.receipts().seconds_saved == pytest.approx(mean, abs=1e-3)


def test_cost(tmp_path: Path) -> None:
    """Each hit saves ``cost=``: a number, or the mean of its values for the kept results."""
    cache = Cache(tmp_path / "c.json", cost=0.25)
    fixed = cache.memoise(lambda x: x, name="fixed")
    varies = cache.memoise(lambda x: x, name="varies", cost=lambda result: result)
    for function in (fixed, varies):
        function(1), function(3), function(3)
    assert fixed.receipts().cost_saved == 0.25
    assert varies.receipts().cost_saved == 2.0
    assert cache.receipts().cost_saved == 2.25


def test_all_functions_of_a_cache(tmp_path: Path, drop_in: Any) -> None:
    """``cache.receipts()`` adds them up; in the drop-in, where functions share entries, too."""
    for cache in (Cache(tmp_path / "c.json"), Cache(None), drop_in):
        f, g = (cache.memoise(lambda x, n=n: x, key="all") for n in (1, 2))
        f(1), f(1), g(2), g(2), g(3)
        found = cache.receipts()
        assert isinstance(found, Receipts) and found[:3] == (5, 2, 3)
        assert found.seconds_saved >= 0


def test_report(tmp_path: Path) -> None:
    """The report has a line for each function, entries of other runs among them, and the total."""
    path = tmp_path / "c.json"
    with Cache(path) as cache:
        cache.memoise(lambda x: x, name="earlier")(1)
    cache = Cache(path)
    f = cache.memoise(lambda x: "y" * 1000, name="<f>")
    f(1), f(1)
    report = cache.report()
    lines = {line.function: line for line in report.lines}
    assert (lines["<f>"].entries, lines["<f>"].receipts.hits, lines["earlier"].entries) == (1, 1, 1)
    assert report.total.entries == 2 and report.total.size == 1003
    text = str(report)
    assert text.startswith(str(path)) and "earlier" in text and "1.0 kB" in text
    assert len({len(line) for line in text.splitlines()[1:-1]}) <= 2
    html = report._repr_html_()
    assert "&lt;f&gt;" in html and "<f>" not in html and html.count("<tr>") == 4


def test_report_at_exit(script: Scripts) -> None:
    """``OUTLIVE_REPORT=1`` prints one line a file on stderr when the program ends, else nothing."""
    source = """
        import time
        from outlive import Cache
        cache = Cache("github.json")
        unused = Cache("unused.json")
        @cache.memoise
        def f(x):
            time.sleep(0.05)
            return "x" * 5000
        for x in range(100):
            f(x % 4)
    """
    assert script.output(source) == ""
    (script.folder / "github.json").unlink()
    ended = script(source, OUTLIVE_REPORT="1")
    assert (ended.out, ended.status) == ("", 0)
    (line,) = ended.err.splitlines()
    assert line.startswith("outlive: 96 of 100 calls saved, ") and line.endswith(
        "github.json 21 kB"
    )
    assert len(results(script.folder / "github.json")) == 4
    drop_in = "from outlive import memoise\nf = memoise(lambda uri: uri)\nf('a'), f('a')"
    ended = script(drop_in, OUTLIVE_REPORT="1")
    assert ended.err.startswith("outlive: 1 of 2 calls saved") and ended.out == ""
    assert script(source, OUTLIVE_REPORT="0").err == ""
