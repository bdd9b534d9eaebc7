"""Notes about a result: its tags, its cost, what made it."""

from __future__ import annotations

from ._typing import TYPE_CHECKING
from ._warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._options import Options


def noter(options: Options, function: str) -> Callable[[Any], bytes | None]:
    """Return the callable that makes the notes of a result as JSON; None if there are none."""
    makers: dict[str, Callable[[Any], Any]] = {}
    if options.tags is not None:
        makers["tags"] = options.tags
    if callable(options.cost):
        of_result: Any = options.cost
        makers["cost"] = _cost_of(of_result)
    if options.meta is not None:
        makers["meta"] = options.meta
    if options.depends:
        makers["depends"] = _versions_of(options.depends)
    return _Noter(makers, function)


class _Noter:
    """Notes of the results of one function."""

    def __init__(self, makers: dict[str, Callable[[Any], Any]], function: str) -> None:
        self._makers, self._function = makers, function
        self._told: set[str] = set()

    def __call__(self, result: Any) -> bytes | None:
        notes = [text for option in self._makers if (text := self._note(option, result))]
        return f"{{{', '.join(notes)}}}".encode() if notes else None

    def _note(self, option: str, result: Any) -> str | None:
        """One member; None if there is none or the callable raises: the result is not lost."""
        import json  # not before a result has notes

        try:
            value = self._makers[option](result)
            if value is None:
                return None
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            text.encode()
        except Exception as error:
            self._tell(option, error)
            return None
        return f'"{option}": {text}'

    def _tell(self, option: str, error: Exception) -> None:
        if option in self._told:
            return
        self._told.add(option)
        message = (
            f"{option}= of {self._function} raised {type(error).__name__}: {error}; the result was "
            "returned"
        )
        warn("OutliveWarning", message)


def _cost_of(cost: Callable[[Any], float | None]) -> Callable[[Any], float | None]:
    def of_result(result: Any) -> float | None:
        value = cost(result)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"it must return a number or None, not {type(value).__name__}")
        return value

    return of_result


def _versions_of(packages: tuple[str, ...]) -> Callable[[Any], dict[str, str | None]]:
    found: dict[str, str | None] = {}

    def of_result(_result: Any) -> dict[str, str | None]:
        if not found:
            from importlib import metadata

            for package in packages:
                try:
                    found[package] = metadata.version(package)
                except metadata.PackageNotFoundError:
                    found[package] = None
        return found

    return of_result
