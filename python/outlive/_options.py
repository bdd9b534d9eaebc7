"""Options as users write them, checked once and converted for the core."""

from __future__ import annotations

from ._answering import answering
from ._durations import seconds, seconds_left
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ._option_types import Duration

#: What an argument is that was not given, where None means something.
UNCHANGED: Any = ...
_NOWHERE: Mapping[str, str] = {}
_HINTS = {
    "file": "path",
    "filename": "path",
    "path": "file",
    "durable": "durability",
    "expire": "ttl",
    "expire_after": "ttl",
    "expires_after": "ttl",
    "stale_after": "ttl",
    "max_age": "ttl",
    "maxage": "ttl",
    "lifetime": "ttl",
    "expiration": "ttl",
    "expiry": "ttl",
    "seconds": "ttl",
    "timeout": "ttl",
    "max_size": "maxsize",
    "cache_none": "cache_if=lambda result: result is not None",
    "ignore_self": 'ignore=("self",)',
}

#: Options of others that are needless here, and why.
_NEEDLESS = {"typed": 'keys always tell 1, 1.0, True and "1" apart: leave it out'}


def _of_result(ttl: Callable[[Any], Duration | None]) -> Callable[[Any], float | None]:
    def in_seconds(result: Any) -> float | None:
        value = ttl(result)
        return None if value is None else seconds_left(value, "ttl")

    return in_seconds


def _ttl(ttl: Any) -> Any:
    if ttl is None or callable(ttl):
        return ttl and _of_result(answering(ttl, "ttl"))
    return seconds(ttl, "ttl")


def limit(value: Any, option: str) -> Any:
    """Return a limit: a whole number above zero, None, or ``UNCHANGED``.

    Raises:
        TypeError: ``value`` is no whole number.
        ValueError: ``value`` is below one.
    """
    if value is None or value is UNCHANGED:
        return value
    if not _is_whole(value):
        raise TypeError(f"{option}= takes a whole number or None, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{option}={value}: must be at least 1; use mode='off' to keep nothing")
    return value


def count(value: Any, option: str) -> int:
    """Return a count: a whole number above zero.

    Raises:
        TypeError: ``value`` is no whole number.
        ValueError: ``value`` is below one.
    """
    if not _is_whole(value):
        raise TypeError(f"{option}= takes a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{option}={value}: must be at least 1")
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def near(value: Any) -> int | None:
    """Return a number of bytes, or None.

    Raises:
        TypeError: ``value`` is no whole number.
        ValueError: ``value`` is below zero.
    """
    if value is None:
        return None
    if not _is_whole(value):
        raise TypeError(f"near= takes a number of bytes or None, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"near={value}: must be at least 0")
    return int(value)


def callable_or_none(value: Any, option: str) -> Any:
    """Return a callable or None.

    Raises:
        TypeError: ``value`` is neither, or an ``async def`` function.
    """
    if value is not None and not callable(value):
        raise TypeError(f"{option}= takes a callable or None, not {type(value).__name__}")
    return value and answering(value, option)


def flag(value: Any, option: str) -> bool:
    """Return True or False.

    Raises:
        TypeError: ``value`` is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{option}= takes True or False, not {value!r}")
    return value


def _tags(given: Any) -> Callable[[Any], tuple[str, ...]] | None:
    """Return a callable that returns the tags of a result."""
    if given is None:
        return None
    if callable(given):
        make: Callable[[Any], Any] = answering(given, "tags")
        return lambda result: _checked_tags(() if (made := make(result)) is None else made)
    fixed = _checked_tags(given)
    return lambda _result: fixed


def _cost(given: Any) -> Any:
    """Return the cost of a computed call: a number, or a callable of the result."""
    if given is None or callable(given):
        return given and answering(given, "cost")
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        kind = type(given).__name__
        raise TypeError(f"cost= takes a number, a callable of the result or None, not {kind}")
    return float(given)


def _packages(given: Any) -> tuple[str, ...]:
    words = _words(given)
    if words is None:
        raise TypeError(f'depends= takes names of packages, such as ("numpy",), not {given!r}')
    return words


def _words(given: Any) -> tuple[str, ...] | None:
    """Return many words as a tuple; None for all else, and for one, which is not its letters."""
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        return None
    words = tuple(given)
    return words if all(isinstance(word, str) for word in words) else None


def _checked_tags(given: Any) -> tuple[str, ...]:
    words = _words(given)
    if words is None:
        raise TypeError(f"tags= takes a tuple of str, or a callable of the result, not {given!r}")
    return words


def _types(given: Any) -> tuple[Any, ...]:
    """Return the classes that results may have; names are resolved when needed."""
    classes = given if isinstance(given, (tuple, list)) else (given,)
    for cls in classes:
        if not isinstance(cls, (type, str)) and not hasattr(cls, "__args__"):
            raise TypeError(
                'types= takes classes and names of classes, such as (Repo, "shop:Owner"), '
                f"not {cls!r}"
            )
        if isinstance(cls, str) and not _is_dotted(cls):
            raise ValueError(f'types={cls!r}: must be like "shop:Owner"')
    return tuple(classes)


def _is_dotted(name: str) -> bool:
    """Whether a name is like ``shop:Owner`` or ``shop.Owner``."""
    parts = name.replace(":", ".", 1).split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


class Options:
    """How the results of one function are kept and served."""

    def __init__(
        self,
        *,
        copy: bool = True,
        ttl: Any = None,
        refresh_after: float | None = None,
        stale_if_error: float | None = None,
        maxsize: int | None = None,
        cache_if: Callable[[Any], object] | None = None,
        cache_errors: Mapping[type[Exception], Duration] | None = None,
        tags: Callable[[Any], tuple[str, ...]] | None = None,
        cost: Any = None,
        meta: Callable[[Any], object] | None = None,
        depends: tuple[str, ...] = (),
        on_unstorable: str = "warn",
        wait: float | None = None,
        on_code_change: str = "warn",
        types: tuple[Any, ...] = (),
        dump: Callable[[Any], object] | None = None,
        load: Callable[[Any], Any] | None = None,
        clock: Callable[[], float] | None = None,
        errors: Any = None,
        refresher: Any = None,
        noted: Callable[[Any], bytes | None] | None = None,
    ) -> None:
        """Take checked values: durations in seconds, and the helpers that they need."""
        self.copy = copy
        self.ttl = ttl
        self.refresh_after = refresh_after
        self.stale_if_error = stale_if_error
        self.maxsize = maxsize
        self.cache_if = cache_if
        self.cache_errors = cache_errors
        self.tags = tags
        self.cost = cost
        self.meta = meta
        self.depends = depends
        self.on_unstorable = on_unstorable
        self.wait = wait
        self.on_code_change = on_code_change
        self.types = types
        self.dump = dump
        self.load = load
        self.clock = clock
        self.errors = errors
        self.refresher = refresher
        #: What is noted with a result, as JSON: what the four options above say.
        self.noted = noted

    def replace(self, **changes: Any) -> Options:
        """Return these options with some of them changed."""
        return Options(**{**self.__dict__, **changes})


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "copy": lambda v: flag(v, "copy"),
    "ttl": _ttl,
    "refresh_after": lambda v: None if v is None else seconds(v, "refresh_after"),
    "stale_if_error": lambda v: None if v is None else seconds(v, "stale_if_error"),
    "maxsize": lambda v: limit(v, "maxsize"),
    "cache_if": lambda v: callable_or_none(v, "cache_if"),
    "cache_errors": lambda v: v,
    "tags": lambda v: _tags(v),
    "cost": lambda v: _cost(v),
    "meta": lambda v: callable_or_none(v, "meta"),
    "depends": lambda v: _packages(v),
    "on_unstorable": lambda v: one_of(v, ("warn", "ignore", "raise", "plain"), "on_unstorable"),
    "wait": lambda v: None if v is None else seconds(v, "wait"),
    "on_code_change": lambda v: one_of(v, ("warn", "recompute", "ignore"), "on_code_change"),
    "types": lambda v: _types(v),
    "dump": lambda v: callable_or_none(v, "dump"),
    "load": lambda v: callable_or_none(v, "load"),
    "clock": lambda v: callable_or_none(v, "clock"),
}


def one_of(value: Any, words: Sequence[str], option: str) -> str:
    """Return ``value`` if it is one of ``words``.

    Raises:
        ValueError: it is not.
    """
    if value not in words:
        raise ValueError(f"{option}={value!r}: must be one of {', '.join(map(repr, words))}")
    return str(value)


def refuse_unknown(
    given: Mapping[str, Any], known: Iterable[str], of: str, elsewhere: Mapping[Any, str] = _NOWHERE
) -> None:
    """Raise TypeError for an unknown option, and name the one that was probably meant.

    Args:
        given: The options of a call.
        known: The existing options.
        of: The callable that was called.
        elsewhere: Options of other functions, and where they are given.
    """
    for name in given:
        if name not in known:
            raise TypeError(f"{of} has no option {name!r}{_advice(name, sorted(known), elsewhere)}")


def _advice(name: str, known: Sequence[str], elsewhere: Mapping[Any, str]) -> str:
    if name in elsewhere:
        return f"; give it to {elsewhere[name]}"
    if name in _NEEDLESS:
        return f"; {_NEEDLESS[name]}"
    meant = _HINTS.get(name)
    if meant is None or not any(meant.startswith(word) for word in known):
        meant = _similar(name, known)
    return (f"; did you mean {meant}?" if meant else "") + f" (there are: {', '.join(known)})"


def _similar(name: str, known: Sequence[str]) -> str | None:
    from difflib import get_close_matches  # not before somebody is wrong

    starts = [word for word in known if word.startswith(name) or name.startswith(word)]
    return next(iter(starts or get_close_matches(name, known, 1)), None)


def checked(base: Options, given: Mapping[str, Any]) -> Options:
    """Return ``base`` with the ``given`` options, each checked.

    Raises:
        TypeError: an option is unknown or of the wrong type.
        ValueError: an option has a value that means nothing.
    """
    return base.replace(**{name: _CHECKS[name](value) for name, value in given.items()})


def refuse_meaningless(options: Options, own: Iterable[str], of: str) -> None:
    """Raise ValueError if one of the ``own`` options has no effect beside the others.

    A default of the cache that has no effect for a function is no mistake.
    """
    ttl, refresh_after = options.ttl, options.refresh_after
    if (options.dump is None) != (options.load is None):
        raise TypeError(f"{of}: dump= and load= are two callables, and one needs the other")
    if "stale_if_error" in own and options.stale_if_error is not None and ttl is None:
        raise ValueError(f"{of}: stale_if_error= does nothing without ttl=: nothing gets stale")
    late = isinstance(ttl, float) and refresh_after is not None and refresh_after >= ttl
    if late and not {"ttl", "refresh_after"}.isdisjoint(own):
        raise ValueError(
            f"{of}: refresh_after= must be shorter than ttl=, or nothing is ever refreshed"
        )


OPTION_NAMES = frozenset(_CHECKS)
