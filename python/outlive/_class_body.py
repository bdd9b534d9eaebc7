"""What the body of a class closes over while its methods are being memoised.

``def client(host): class Client: url = host`` makes a class for each host. A method of it need not
close over the host to depend on it.
"""

from __future__ import annotations

import sys

from ._digest import short
from ._layers import qualname_of
from ._state import state_cells
from ._texts import text_of
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

_LOCAL = "<locals>"
_OPTIMIZED = 0x01
#: So far up stands the class body at most: decorators of the user's call memoise.
_LEVELS = 12


def around(function: Any) -> list[str]:
    """Return digests of what the class body closes over in which ``function`` is being defined."""
    place, _, _ = (qualname_of(function) or "").rpartition(".")
    if _LOCAL not in place or place.endswith(_LOCAL):
        return []
    body = _body_of(place)
    maker = None if body is None else body.f_back
    if body is None or maker is None:
        return []
    names = sorted(set(body.f_code.co_freevars) - state_cells(body.f_code))
    known = maker.f_locals
    texts = ((name, text_of(known[name])) for name in names if name in known)
    return [f"{name}={short(text, length=26)}" for name, text in texts if text is not None]


def _body_of(place: str) -> FrameType | None:
    """The running body of the class whose qualified name is ``place``."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_LEVELS):
        if frame is None:
            return None
        is_body = not frame.f_code.co_flags & _OPTIMIZED
        if is_body and frame.f_locals.get("__qualname__") == place:
            return frame
        frame = frame.f_back
    return None
