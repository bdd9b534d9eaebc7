"""Showing the progress of a map: a bar, a line now and then, or a callable of the user."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from .. import _core
from .._progress import Progress
from .._warnings import warn
from .tally import Tally, count_of, in_words

#: How many seconds lie between two lines.
_PAUSE = 5.0
#: After how many seconds a bar is shown that nobody asked for: what is done by then needs none.
_DELAY = 0.5
#: How many seconds lie between two looks at the counts.
LOOK = 0.5


class Reporter:
    """Shows nothing; the base of the others."""

    def __init__(self, tally: Tally) -> None:
        """Show these counts."""
        self.tally = tally

    def count(self) -> None:
        """Note that one more item is done."""

    def look(self) -> None:
        """Note that time has passed."""

    def end(self, stopped: str | None) -> None:
        """Show the last counts; ``stopped`` says why the map is over before its items are."""

    def __str__(self) -> str:
        return in_words(self.tally)


class _Told(Reporter):
    """Calls the user's function with every count."""

    def __init__(self, tally: Tally, tell: Callable[[Progress], object]) -> None:
        super().__init__(tally)
        self._tell: Callable[[Progress], object] | None = tell

    def count(self) -> None:
        if self._tell is None:
            return
        try:
            self._tell(self.tally.now())
        except Exception as error:
            # Showing results must not lose any.
            self._tell = None
            warn(
                "OutliveWarning",
                f"progress= of {self.tally.name} raised {type(error).__name__}: {error}; "
                "it is not called any more, and the results are not touched by it",
            )


class _Shown(Reporter):
    """Writes to stderr; errors there are ignored."""

    def end(self, stopped: str | None) -> None:
        with contextlib.suppress(Exception):
            self._close()
            if stopped is not None:
                self._write(_stopped(self.tally, stopped))
            elif self.tally.errors:
                self._write(str(self))

    def _close(self) -> None:
        """Close what shows."""

    def _write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class _Lines(_Shown):
    """A line every few seconds."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)
        self._next = time.monotonic() + _PAUSE
        self._wrote = False

    def count(self) -> None:
        self.look()

    def look(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next, self._wrote = now + _PAUSE, True
            with contextlib.suppress(Exception):
                self._write(str(self))

    def end(self, stopped: str | None) -> None:
        if stopped is None and self._wrote and not self.tally.errors:
            with contextlib.suppress(Exception):
                self._write(str(self))
        super().end(stopped)


class _Bar(_Shown):
    """A bar of tqdm, in terminals and notebooks."""

    def __init__(self, tally: Tally, tqdm: Any, delay: float) -> None:
        super().__init__(tally)
        self._bar = tqdm(total=tally.total, desc=tally.name, unit=" calls", delay=delay)
        self._next = 0.0

    def count(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LOOK / 5
            with contextlib.suppress(Exception):
                self._show()

    def look(self) -> None:
        with contextlib.suppress(Exception):
            self._show()

    def _show(self) -> None:
        now = self.tally.now()
        counts: dict[str, object] = {"saved": now.saved}
        if now.errors:
            counts["errors"] = now.errors
        if now.computed:
            counts["calls/s"] = f"{now.rate:.1f}"
        self._bar.set_postfix(counts, refresh=False)
        self._bar.update(now.done - self._bar.n)

    def _close(self) -> None:
        self._show()
        self._bar.close()


def reporter_of(asked: bool | Callable[..., object] | None, tally: Tally) -> Reporter:
    """Return the reporter for ``tally``.

    Args:
        asked: None: show it if stderr is visible; True, False, or a callable for each count.
        tally: The counts.
    """
    if asked is False or (asked is None and not _is_seen()):
        return Reporter(tally)
    if asked is not True and asked is not None:
        return _Told(tally, asked)
    try:
        tqdm = _tqdm()
    except ImportError:
        return _Lines(tally)
    try:
        return _Bar(tally, tqdm, delay=0.0 if asked else _DELAY)
    except Exception:  # stderr cannot be written to
        return Reporter(tally)


def _tqdm() -> Any:
    """Return the bar that fits here; a notebook without ipywidgets gets that of terminals."""
    if find_spec("ipywidgets") is None:
        from tqdm import tqdm

        return tqdm
    from tqdm.auto import tqdm as fitting

    return fitting


def _is_seen() -> bool:
    """Return whether stderr is a terminal, or a notebook's."""
    with contextlib.suppress(Exception):
        return bool(sys.stderr.isatty()) or type(sys.stderr).__module__.startswith("ipykernel")
    return False


def _stopped(tally: Tally, why: str) -> str:
    name = tally.name if len(tally.name) < 200 else _core.shown_key(tally.name)
    kept = "their results are kept: run it again, and it goes on with the rest"
    return f"{name}: {why}: {count_of(tally.now())}; {kept}"
