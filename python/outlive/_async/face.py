"""The ``async def`` function that users call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .. import _core
from .._core import PendingCall
from .._wrappers import as_face
from . import away, loops
from .leader import compute, lead
from .wait import wait


def face(native: _core.Memoised, function: Callable[..., Any], controls: Iterable[str]) -> Any:
    """Return the ``async def`` function in front of ``native``, with all its ``controls``."""

    @functools.wraps(function)
    async def memoised(*args: Any, **kwargs: Any) -> Any:
        found = native(*args, **kwargs)
        return await finish(found) if type(found) is PendingCall else found

    async def refresh(*args: Any, **kwargs: Any) -> Any:
        """Compute this call anew and keep the result, whatever is stored."""
        return await finish(native.refresh(*args, **kwargs))

    return as_face(memoised, native, controls, refresh)


async def finish(found: Any) -> Any:
    """Compute the result, or wait for it."""
    while type(found) is PendingCall:
        library = loops.library()
        if found.is_unready:
            await _made_ready(found, library)
            found = found.retry()
            continue
        if found.leads:
            outcome = await lead(found, library)
        elif found.waits and library is not None:
            outcome = await wait(found, library)
        else:
            return await _compute_alone(found, library)
        if outcome is not None:
            return outcome[0]
        found = found.retry()
    return found


async def _made_ready(call: PendingCall, library: Any) -> None:
    """Have the store read by a thread; in an unknown event loop it is read by the call itself."""
    if library is not None:
        await away.done(call.prepare, library)


async def _compute_alone(call: PendingCall, library: Any) -> Any:
    """Compute without a flight: in an unknown event loop there is no way to wait."""
    if call.waits:
        call.compute_unshared()
    return await compute(call, library)
