"""A stream under way: the pieces so far, and which consumer asks for more."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Generator
from threading import get_ident
from typing import Any

from .._core import PendingCall
from .._one_shot import one_shot_part
from .pieces import LEAVES, parts_of, result_of

#: How often who waits for another thread's turn looks for signals, in seconds.
_SLICE = 0.1
#: This process; after a fork that Python does not know of, another one, with which nobody shares.
_process = os.getpid()


def _note_process() -> None:
    global _process
    _process = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_process)


class CutOffError(RuntimeError):
    """The source was stopped on behalf of another consumer."""


class Recording:
    """The record of a stream that one or several consumers read."""

    #: The event loop in which it is consumed; None for a thread.
    loop: object = None
    is_over = False
    #: Whether a piece can be used only once: nobody but who asked for it can have it.
    is_one_shot = False
    returned: Any = None
    error: BaseException | None = None
    #: How many consume it: whoever begins it is the first.
    consumers = 1

    def __init__(self, call: PendingCall) -> None:
        """Begin with nothing; ``call`` keeps the result, if it keeps anything."""
        self.call, self.key = call, call.key or ""
        self.pieces: list[Any] = []
        self.process = _process
        #: What gives the pieces.
        self._source: Any = call.begin()

    def note(self, piece: Any) -> None:
        """Keep a copy of a piece, before anybody can change it."""
        if type(piece) in LEAVES:
            self.pieces.append(piece)
            return
        try:
            self.pieces.append(copy.deepcopy(piece))
        except Exception:  # a class's own rules may raise anything
            self.is_one_shot = self.is_one_shot or one_shot_part(piece) is not None
            self.pieces.append(piece)

    def end(self, returned: Any) -> None:
        """Keep all pieces, on the disk before the consumer sees the end."""
        self.is_over, self.returned = True, returned
        self.call.keep(result_of(self.pieces, returned))

    def fail(self, error: Exception) -> None:
        """Pass on what the source raised; an older result is served if nothing was given yet."""
        self.is_over = True
        try:
            stale = self.call.fail(error)
        except Exception as failure:
            self.error = failure
            return
        if self.pieces:
            self.error = error
        else:
            self.pieces, self.returned = parts_of(stale)

    def error_after(self, given: int) -> BaseException | None:
        """Return the error that ends the stream for a consumer which was given so many pieces."""
        if given == len(self.pieces):
            return self.error
        return CutOffError(
            f"{self.call.name} gives pieces that can be used only once (iterators, open files): "
            "another consumer of this stream has them"
        )

    def cut_off(self, name: str) -> None:
        """Note that the source was stopped for a reason that concerns one consumer alone."""
        self.is_over = True
        self.error = CutOffError(
            f"{name} was cut off: the thread or task that asked for more was stopped"
        )
        self.call.give_up()


class ThreadRecording(Recording):
    """A recording whose source is an ordinary generator, asked by whichever consumer is first."""

    _source: Generator[Any, Any, Any]
    _driver: int | None = None

    def __init__(self, call: PendingCall) -> None:
        super().__init__(call)
        # It knows its owner: a signal's exception may come between taking it and knowing of it.
        self._turn = threading.RLock()

    def advance(self, at: int) -> tuple[Any] | None:
        """Ask the source for piece number ``at``, unless that is there or the stream is over.

        Returns:
            The piece itself in a tuple of one, if this call got it from the source.
        """
        if at < len(self.pieces) or self.is_over:
            return None
        me = get_ident()
        if self._driver == me:
            raise ValueError("generator already executing")
        try:
            if not self._turn.acquire(False):
                self._wait_for_turn()
            self._driver = me
            if self.is_over or at < len(self.pieces):
                return None
            piece = self.call.ask(self._source)
            self.note(piece)
            return (piece,)
        except StopIteration as end:
            self.end(end.value)
        except Exception as error:
            self.fail(error)
        except BaseException:
            if self._driver == me:  # else another thread asks the source, and goes on
                self.cut_off(self.call.name)
            raise
        finally:
            if self._driver == me:
                self._driver = None
            try:  # noqa: SIM105 - each piece comes through here
                self._turn.release()
            except RuntimeError:
                pass  # it was not ours
        return None

    def _wait_for_turn(self) -> None:
        while not self._turn.acquire(timeout=_SLICE):
            if self.process != _process:
                raise CutOffError(f"{self.call.name} was cut off: a fork left its source elsewhere")

    def close(self) -> None:
        """Close the source, which nobody consumes any more: a beginning is worth nothing."""
        if not self.is_over:
            self.is_over = True
            self.call.give_up()
            self._source.close()
