"""Greenlets under a gevent hub: their numbers, and how they wait.

Greenlets without a hub (SQLAlchemy's ``greenlet_spawn``) count as their thread, and compute where a
thread would wait for itself.
"""

from __future__ import annotations

import weakref
from typing import Any

import gevent
from gevent._hub_local import get_hub_if_exists

#: The numbers of the greenlets that have asked for a key.
_numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def number(fresh: int) -> int | None:
    """Return the number of the running greenlet, ``fresh`` if it has none yet.

    None if it cannot wait through a hub: there is none in this thread, or it is the hub itself.
    """
    hub, current = get_hub_if_exists(), gevent.getcurrent()
    return None if hub is None or current is hub else _numbers.setdefault(current, fresh)


def sleep(seconds: float) -> None:
    """Sleep for this many seconds while other greenlets of this thread run."""
    gevent.sleep(seconds)
