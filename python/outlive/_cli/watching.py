"""A progress bar while a list asks a store for all of its entries."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .. import _core

#: How often the bar is drawn, in seconds: what takes less has none.
_EVERY = 0.1


@contextmanager
def watched(core: _core.Cache, title: str) -> Iterator[None]:
    """Draw a bar on stderr, if that is a terminal, whenever ``core`` walks over its entries."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    watcher = threading.Thread(target=_draw, args=(core, title, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _draw(core: _core.Cache, title: str, ended: threading.Event) -> None:
    bar: Any = None
    while not ended.wait(_EVERY):
        done, whole = core.facts.walked()
        if bar is not None and (whole != bar.length or done < bar.pos):
            bar.render_finish()
            bar = None  # another walk has begun
        if bar is None and done < whole:
            bar = click.progressbar(length=whole, label=title, file=sys.stderr)
        if bar is not None:
            bar.update(done - bar.pos)
            if done >= whole:
                bar.render_finish()
                bar = None
    if bar is not None:
        bar.render_finish()
