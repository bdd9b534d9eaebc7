"""Why an instance of a class is not stored, and why a stored one does not come back."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - nothing is wrong: it is an answer
    """An instance is not stored.

    Attributes:
        what: What it is.
        advice: What to do about it; None if JSON types are the answer.
    """

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class Mismatch(Exception):  # noqa: N818 - it is a miss
    """A stored value does not fit today's code; the message says why."""
