"""Results that are served and made anew at the same time."""

from __future__ import annotations

import contextvars
import threading
import weakref

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Refresher:
    """Computes keys again in the background, each once at a time."""

    def __init__(self, memoised: weakref.ref[Any]) -> None:
        self._memoised = memoised
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, key: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Have the call under ``key`` computed by a thread of its own, unless one is at it."""
        memoised = self._memoised()
        with self._lock:
            if memoised is None or key in self._busy:
                return
            self._busy.add(key)
        context = contextvars.copy_context()
        target = (self._refresh, memoised, key, args, kwargs or {})
        name = f"outlive refresh of {memoised.__qualname__}"
        threading.Thread(target=context.run, args=target, name=name, daemon=True).start()

    def _refresh(
        self, memoised: Any, key: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            memoised.refresh(*args, **kwargs)
        except Exception:  # the old result goes on being served; the next call tries again
            import logging  # only here: it costs every program that imports us 3 ms

            logging.getLogger("outlive").warning("refresh of %s failed", key, exc_info=True)
        finally:
            with self._lock:
                self._busy.discard(key)
