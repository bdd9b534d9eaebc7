"""Negative caching: exceptions that are kept on purpose, by class name and arguments."""

from __future__ import annotations

from collections.abc import Mapping

from ._naming import module_name
from ._options import seconds
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._types import Duration


class KeptErrors:
    """Turns the listed exceptions into JSON and back; the file never names what is imported."""

    def __init__(self, listed: Mapping[type[Exception], Duration]) -> None:
        """Take the exception classes to keep and for how long each.

        Raises:
            TypeError: ``listed`` is no mapping of exception classes to durations.
            ValueError: a duration means nothing.
        """
        if not isinstance(listed, Mapping):
            raise TypeError('cache_errors= takes a dict such as {NotFound: "10m"}')
        self._classes: dict[str, tuple[type[Exception], float]] = {}
        for cls, duration in listed.items():
            if not (isinstance(cls, type) and issubclass(cls, Exception)):
                raise TypeError(f"cache_errors= takes subclasses of Exception, not {cls!r}")
            name = _full_name(cls)
            self._classes[name] = (cls, seconds(duration, "cache_errors"))

    def pack(self, error: Exception) -> list[Any] | None:
        """Return class name and arguments of ``error`` if its very class is listed."""
        cls = type(error)
        name = _full_name(cls)
        return [name, list(error.args)] if name in self._classes else None

    def unpack(self, payload: Any, age: float) -> Exception | None:
        """Return the kept exception if it is still listed and not older than it may be.

        Args:
            payload: What ``pack`` returned.
            age: Seconds since it was raised.
        """
        try:
            name, arguments = payload["$error"]
            cls, most = self._classes[name]
            return cls(*arguments) if abs(age) < most else None
        except (KeyError, TypeError, ValueError):
            return None


def _full_name(cls: type[Exception]) -> str:
    return f"{module_name(cls)}.{cls.__qualname__}"
