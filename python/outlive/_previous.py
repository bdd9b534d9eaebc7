"""``outlive.previous()``: the result that a call replaces, for headers such as If-None-Match."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any

    from . import _core

    _Call = tuple[_core.Cache, str | None]

_innermost: ContextVar[_Call | None] = ContextVar("outlive_call", default=None)


def previous() -> Any:
    """Return the result that the running call replaces; None if there is none.

    A memoised function runs again when its result has expired or is refreshed. Inside of it, this
    is a copy of the old result::

        @cache.memoise(ttl="1h")
        def fetch(uri):
            old = outlive.previous()
            headers = {"If-None-Match": old["etag"]} if old else {}
            response = requests.get(uri, headers=headers)
            if response.status_code == 304:
                return old
            return {"etag": response.headers["ETag"], "body": response.text}
    """
    core, key = _innermost.get() or (None, None)
    return None if core is None or key is None else core.entries.previous(key)


def enter(core: _core.Cache, key: str | None) -> Token[_Call | None]:
    """Note that a call begins, and the key of the result that it replaces."""
    return _innermost.set((core, key))


def leave(token: Token[_Call | None]) -> None:
    """Undo ``enter``."""
    with suppress(ValueError):  # a coroutine may be closed in another context
        _innermost.reset(token)
