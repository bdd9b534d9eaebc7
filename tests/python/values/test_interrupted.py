"""Exceptions of signal handlers that come while a result is written."""

from __future__ import annotations

import datetime
import signal
import warnings

import pytest

from outlive import Cache, UnstorableWarning


class Stopped(Exception):
    """What a signal handler raises to end a call that takes too long."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers that signal here")
@pytest.mark.parametrize("raised", [KeyboardInterrupt, Stopped])
def test_a_handlers_exception_reaches_the_caller(raised: type[BaseException]) -> None:
    """An exception of a signal handler during a write is not blamed on the value."""
    came = 0

    def handler(*_: object) -> None:
        nonlocal came
        came += 1
        raise raised

    moments = [datetime.datetime(2024, 1, 1, 0, 0, n % 60) for n in range(20_000)]
    old = signal.signal(signal.SIGALRM, handler)
    cache = Cache(None)

    @cache.memoise(name="f")
    def slow(number: int) -> list[datetime.datetime]:
        signal.setitimer(signal.ITIMER_REAL, 0.002 + number / 10_000)
        return moments

    reached = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnstorableWarning)
            for number in range(20):
                try:
                    slow(number)
                except raised:
                    reached += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert reached == came > 0
