"""Negative caching: keeps listed exceptions by class, arguments and attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ._answering import answering
from ._durations import seconds, seconds_left
from ._exceptions import UnstorableWarning
from ._naming import module_name
from ._typing import TYPE_CHECKING
from ._warnings import warn

if TYPE_CHECKING:
    from typing import Any

    from ._option_types import Duration

#: Attributes that stem from the place where an exception was raised, and are not its value.
_OF_THE_PLACE = frozenset(
    ["__cause__", "__context__", "__suppress_context__", "__traceback__", "__dict__", "args"]
)
_MISSING: Any = object()


class KeptErrors:
    """The exceptions that one function keeps; the file never names what is imported."""

    def __init__(
        self,
        listed: Mapping[type[Exception], Duration | Callable[[Any], Duration | None]],
        function: str = "",
    ) -> None:
        """Take the exception classes to keep and for how long each.

        Raises:
            TypeError: ``listed`` is no mapping of exception classes to durations.
            ValueError: a duration cannot be used.
        """
        if not isinstance(listed, Mapping):
            raise TypeError('cache_errors= takes a dict such as {NotFound: "10m"}')
        self._function = function
        self._classes: dict[str, tuple[type[Exception], Callable[[Any], float | None]]] = {}
        self._told: set[str] = set()
        for cls, duration in listed.items():
            if not (isinstance(cls, type) and issubclass(cls, Exception)):
                raise TypeError(f"cache_errors= takes subclasses of Exception, not {cls!r}")
            self._classes[_full_name(cls)] = (cls, _seconds_of(duration))

    def pack(self, error: Exception) -> list[Any] | None:
        """Return class name, arguments and attributes of ``error`` if it is to be kept.

        Exactly its class must be listed, and it must come back equal.
        """
        name = _full_name(type(error))
        if name not in self._classes:
            self._tell_subclass(error, name)
            return None
        if self._duration(name, error) is None:
            return None
        try:
            arguments, attributes = list(error.args), _attributes(error)
            if _is_same(error, _rebuilt(type(error), arguments, attributes)):
                return [name, arguments, attributes] if attributes else [name, arguments]
        except Exception:  # a comparison runs the user's code
            pass
        self.tell_unstorable(error, "it would come back as another one")
        return None

    def unpack(self, payload: Any, age: float) -> Exception | None:
        """Return the kept exception if it is still listed and not too old.

        Args:
            payload: What ``pack`` returned, or anything else from a file.
            age: Seconds since it was raised.
        """
        try:
            name, arguments, *rest = payload["$error"]
            cls = self._classes[name][0]
            error = _rebuilt(cls, arguments, *rest)
        except Exception:  # somebody edited the file: a miss
            return None
        most = None if error is None else self._duration(name, error)
        return error if most is not None and abs(age) < most else None

    def _tell_subclass(self, error: Exception, name: str) -> None:
        """Warn, once for each class, where only a class above that of ``error`` is listed."""
        for listed, (cls, _) in self._classes.items():
            if isinstance(error, cls):
                message = (
                    f"cache_errors= of {self._function} lists {listed}, and {name} is a subclass: "
                    "it is not kept, since only exceptions of exactly the listed classes are; list "
                    "it, too, with lambda error: None if it is not to be kept"
                )
                self._tell_once(name, UnstorableWarning.__name__, message)

    def tell_unstorable(self, error: Exception, why: str) -> None:
        """Warn, once for each class, that ``error`` is not kept."""
        name = _full_name(type(error))
        message = (
            f"cache_errors= of {self._function} lists {name}, but it cannot be kept: {why}; raise "
            "one of your own whose arguments say all, such as NotFound(uri)"
        )
        self._tell_once(name, UnstorableWarning.__name__, message)

    def _duration(self, name: str, error: Exception) -> float | None:
        """Return for how many seconds ``error`` is kept; None if it is not."""
        try:
            return self._classes[name][1](error)
        except Exception as problem:
            message = (
                f"cache_errors= of {self._function}: the duration of {name} raised "
                f"{type(problem).__name__}: {problem}; such an error is not kept"
            )
            self._tell_once(f"duration of {name}", "OutliveWarning", message)
            return None

    def _tell_once(self, what: str, category: str, message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            warn(category, message)


def _seconds_of(duration: Any) -> Callable[[Any], float | None]:
    if not callable(duration):
        fixed = seconds(duration, "cache_errors")
        return lambda _error: fixed

    of_error_given: Callable[[Any], Any] = answering(duration, "cache_errors")

    def of_error(error: Exception) -> float | None:
        value = of_error_given(error)
        return None if value is None else seconds_left(value, "cache_errors")

    return of_error


def _attributes(error: Exception) -> dict[str, Any]:
    """Return the attributes of ``error`` in its ``__dict__`` and in slots."""
    again = _made(type(error), list(error.args))
    slots = {
        name: value
        for name, value in _slots(error).items()
        if again is not None and _slots(again).get(name, _MISSING) != value
    }
    return slots | vars(error)


def _slots(error: Exception) -> dict[str, Any]:
    """Return the attributes outside of ``__dict__``, such as ``OSError.filename``."""
    found = {}
    for cls in type(error).__mro__:
        for name, attribute in vars(cls).items():
            kind = type(attribute).__name__
            if kind in ("member_descriptor", "getset_descriptor") and name not in _OF_THE_PLACE:
                found[name] = getattr(error, name, None)
    return found


def _made(cls: type[Exception], arguments: list[Any]) -> Exception | None:
    """Return an exception of ``arguments``, made without its ``__init__`` if that takes others."""
    try:
        error = cls(*arguments)
    except Exception:
        error = cls.__new__(cls, *arguments)
    if error.args != tuple(arguments):
        error = cls.__new__(cls, *arguments)
        error.args = tuple(arguments)
    return error if type(error) is cls else None


def _rebuilt(
    cls: type[Exception], arguments: list[Any], attributes: Mapping[str, Any] = _MISSING
) -> Exception | None:
    """Return the exception as it was, as far as possible; None if it cannot be made at all."""
    try:
        error = _made(cls, arguments)
        for name, value in () if attributes is _MISSING else attributes.items():
            object.__setattr__(error, name, value)
    except Exception:
        return None
    return error


def _is_same(error: Exception, other: Exception | None) -> bool:
    """Return whether two exceptions differ in nothing but the place where they were raised."""
    return other is not None and (
        error.args == other.args
        and vars(error) == vars(other)
        and _slots(error) == _slots(other)
        and str(error) == str(other)
    )


def _full_name(cls: type[Exception]) -> str:
    return f"{module_name(cls)}.{cls.__qualname__}"
