"""The streams of one function that are under way, by key: later consumers join them."""

from __future__ import annotations

import os
import threading
from typing import Generic, TypeVar

from .._core import PendingCall
from .recording import Recording

R = TypeVar("R", bound=Recording)


class Live(Generic[R]):
    """The streams that may be joined."""

    def __init__(self) -> None:
        self._recordings: dict[str, R] = {}
        # A signal's handler, or the end of a stream that the collector finds, may come in between.
        self._lock, self._process = threading.RLock(), os.getpid()

    def __reduce__(self) -> tuple[type[Live[R]], tuple[()]]:
        """Other processes have other streams under way."""
        return Live, ()

    def join(self, call: PendingCall, loop: object) -> R | None:
        """Join the stream that ``call`` waits for, if its source can be asked for more here.

        Args:
            call: The call of the new consumer.
            loop: The event loop that runs here; None in a thread.
        """
        if not call.waits:
            return None
        key, process = call.key or "", os.getpid()
        with self._own_lock(process):
            found = self._recordings.get(key)
            if found is None or found.is_one_shot or found.loop is not loop:
                return None
            if found.process != process:  # a fork has left its source elsewhere
                return None
            found.consumers += 1
        if found.is_over:
            self.leave(found)
            return None
        return found

    def begin(self, recording: R) -> R:
        """Be the first to consume a stream; others may join if its call leads."""
        if recording.call.leads:
            self._recordings[recording.key] = recording
        return recording

    def leave(self, recording: R) -> bool:
        """Stop consuming it; return whether it is to be closed."""
        with self._own_lock(os.getpid()):
            recording.consumers -= 1
            if recording.consumers > 0:
                return False
            if self._recordings.get(recording.key) is recording:
                del self._recordings[recording.key]
            return True

    def _own_lock(self, process: int) -> threading.RLock:
        if self._process != process:  # who held the lock has not come along
            self._lock, self._process = threading.RLock(), process
        return self._lock
