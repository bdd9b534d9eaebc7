"""Types of the options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from ._progress import Progress

#: Seconds, ``"90s" "15m" "1h30m" "1d" "2w"``, or a timedelta.
Duration = float | str | timedelta
#: How long a result is fresh: a duration, or a callable that takes the result and returns one
#: (None: for ever).
Ttl = Duration | Callable[[Any], Duration | None]
#: Names of parameters. A single str is refused, since it would be read as its letters.
Names = tuple[str, ...] | list[str] | set[str] | frozenset[str]
#: Classes that results may be of, or their names: ``"shop:Repo"``.
Classes = tuple[object, ...] | list[object] | type[Any] | str
Mode = Literal["on", "off", "refresh", "offline", "readonly", "frozen"]
Durability = Literal["flush", "fsync"]


class _Options(TypedDict, total=False):
    copy: bool
    ttl: Ttl | None
    refresh_after: Duration | None
    stale_if_error: Duration | None
    cache_if: Callable[[Any], object] | None
    cache_errors: Mapping[type[Any], Duration | Callable[[Any], Duration | None]] | None
    tags: Names | Callable[[Any], Names] | None
    cost: float | Callable[[Any], float | None] | None
    meta: Callable[[Any], object] | None
    depends: Names
    wait: Duration | None
    types: Classes
    on_unstorable: Literal["warn", "ignore", "raise", "plain"]
    on_code_change: Literal["warn", "recompute", "ignore"]


class CacheOptions(_Options, total=False):
    """The options that a cache can set for all of its functions."""

    clock: Callable[[], float] | None


class FunctionOptions(_Options, total=False):
    """The options of one function."""

    maxsize: int | None
    key: Literal["first", "all"] | Callable[..., object] | None
    ignore: Names
    secret: Names
    dump: Callable[[Any], object] | None
    load: Callable[[Any], Any] | None
    name: str | None
    version: object
    each: str | None
    batch: int | None


class MapOptions(TypedDict, total=False):
    """The options of a map."""

    workers: int
    progress: bool | Callable[[Progress], object] | None
    ordered: bool
    star: bool
