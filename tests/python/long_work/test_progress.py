"""The display of maps on stderr: a bar, lines, nothing."""

from __future__ import annotations

import io
import sys
import time

import pytest

from outlive import Cache, Progress
from outlive._long import reporters
from outlive._long.tally import Tally, duration, in_words
from support.programs import untyped


class Terminal(io.StringIO):
    """A stderr that is visible."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def body(item: int) -> int:
    """Compute, unless the item is negative."""
    if item < 0:
        raise ValueError(item)
    return item


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **options: object) -> str:
    """Return what a map of three items writes to stderr."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        f = untyped(Cache(None).memoise(body, name="f"))
        list(f.map([1, 2, -3], on_error="skip", **options))
    return stream.getvalue()


def test_nothing_is_shown_where_nobody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal nothing is written, unless asked; in a terminal it can be switched off."""
    assert shown(monkeypatch, io.StringIO()) == ""
    assert shown(monkeypatch, Terminal(), progress=False) == ""
    assert "3/3" in shown(monkeypatch, io.StringIO(), progress=True)
    assert "3/3" not in shown(monkeypatch, Terminal()), "it took no time"
    monkeypatch.setattr(reporters, "_DELAY", 0.0)
    assert "3/3" in shown(monkeypatch, Terminal())


def test_the_bar_shows_what_was_saved_and_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar of tqdm counts items, calls saved and errors; the last line sums up what failed."""
    text = shown(monkeypatch, Terminal(), progress=True)
    assert "f: 100%" in text
    assert "saved=0, errors=1" in text
    assert "f: 3 of 3 done (100 %), 0 saved, 1 failed (ValueError 1)" in text


def test_lines_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tqdm a line is written every few seconds, and one at the end."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert shown(monkeypatch, Terminal()).startswith("f: 3 of 3 done (100 %), 0 saved, 1 failed")
    monkeypatch.setattr(reporters, "_PAUSE", 0.0)
    lines = shown(monkeypatch, Terminal()).splitlines()
    assert "f: 1 of 3 done (33 %), 0 saved" in "\n".join(lines)
    assert len(lines) >= 3


def test_a_stderr_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stderr that cannot be written to costs no result."""
    stream = Terminal()
    stream.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        results = list(Cache(None).memoise(body).map([1, 2], progress=True))
    assert results == [1, 2]


def test_words() -> None:
    """Counts and times read as people write them."""
    tally = Tally("f", None)
    tally.saved = 12_000
    assert in_words(tally) == "f: 12,000 done, 12,000 saved"
    assert [duration(s) for s in (0.2, 59, 200, 7500)] == ["0 s", "59 s", "3 min 20 s", "2 h 5 min"]


def test_time_left_counts_calls_alone() -> None:
    """Hits at the beginning of a resumed run do not count for the time that the rest takes."""
    assert Progress(done=900, total=1000, saved=890, errors=0, elapsed=10).left == 100
    assert Progress(done=900, total=1000, saved=900, errors=0, elapsed=9).left == 1
    assert Progress(done=0, total=1000, saved=0, errors=0, elapsed=time.monotonic()).left is None
