"""Kinds of the standard library, which every function may return: none is a class of the user.

The modules are outlive's own list: a file chooses among them and nothing else.
"""

from __future__ import annotations

import enum
from typing import Any

from .. import _core, _tags
from .._typing import TYPE_CHECKING
from .instances import Instances
from .problems import Mismatch, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

_FIXED = frozenset({str, int, float, bool, type(None), bytes, complex, *_tags.TYPES})
_FACTORIES = {
    kind.__name__: kind for kind in (list, dict, set, int, float, str, tuple, bool, frozenset)
}


class Kind:
    """One class of the standard library, and how to take its instances apart."""

    def __init__(
        self,
        cls: type,
        dump: Callable[[Any], Any],
        load: Callable[[Any], Any],
        *,
        kind: str = "shared",
        copier: Callable[[Any], Any] | None = None,
    ) -> None:
        self.cls, self._load = cls, load
        self.dump = dump
        self.shape = _core.Shape(cls, kind, copier=copier)

    def load(self, payload: Any) -> Any:
        """Return the value."""
        try:
            return self._load(payload)
        except (TypeError, ValueError, ArithmeticError, KeyError, OverflowError) as problem:
            raise Mismatch(f"what is stored is none: {problem}") from None


def _bare(value: Any) -> Any:
    """``value`` if it consists of its items alone, and its keys can be shared by all copies."""
    if getattr(value, "__dict__", None):
        raise Refused(f"{type(value).__name__} with attributes of its own")
    if not all(map(_cannot_change, value)):
        raise Refused(f"{type(value).__name__} with keys that can change")
    return value


def _cannot_change(key: Any) -> bool:
    """Return whether a key is of a kind that many copies may share."""
    if type(key) in (tuple, frozenset):
        return all(map(_cannot_change, key))
    if type(key) in _FIXED or isinstance(key, enum.Enum):
        return True
    from . import families

    shape = families.family_of(type(key)).shape
    fields = getattr(type(key), "__dataclass_fields__", {})
    return shape.frozen and all(_cannot_change(getattr(key, name)) for name in fields)


def _range() -> Kind:
    return Kind(range, lambda v: [v.start, v.stop, v.step], lambda p: range(*_ints(p)))


def _ints(payload: Any) -> list[int]:
    if type(payload) is list and all(type(item) is int for item in payload):
        return payload
    raise Mismatch("what is stored is no list of numbers")


def _of_type(payload: Any, cls: Any) -> Any:
    if type(payload) is not cls:
        raise Mismatch(f"what is stored is no {cls.__name__}")
    return payload


def _bytearray() -> Kind:
    return Kind(
        bytearray,
        bytes,
        lambda p: bytearray(_of_type(p, bytes)),
        kind="whole",
        copier=bytearray,
    )


def _counter() -> Kind:
    from collections import Counter

    return Kind(
        Counter,
        lambda v: dict(_bare(v)),
        lambda p: _filled(Counter.__new__(Counter), p),
        kind="container",
        copier=lambda v: _filled(Counter.__new__(Counter), v),
    )


def _filled(empty: Any, members: Any) -> Any:
    if not isinstance(members, dict):
        raise Mismatch("what is stored is no dict")
    dict.update(empty, members)
    return empty


def _ordered() -> Kind:
    from collections import OrderedDict

    return Kind(
        OrderedDict,
        lambda v: dict(_bare(v)),
        lambda p: OrderedDict(_of_type(p, dict)),
        kind="container",
        copier=OrderedDict,
    )


def _defaulting() -> Kind:
    from collections import defaultdict

    def dump(value: Any) -> Any:
        factory = value.default_factory
        if factory is not None and _FACTORIES.get(getattr(factory, "__name__", "")) is not factory:
            raise Refused(
                "collections.defaultdict of a function",
                "return dict(...) of it, or one of list, dict, set, int, float or str",
            )
        return [None if factory is None else factory.__name__, dict(_bare(value))]

    def load(payload: Any) -> Any:
        name, members = _of_type(payload, list)
        factory = None if name is None else _FACTORIES[name]
        return defaultdict(factory, _of_type(members, dict))

    return Kind(defaultdict, dump, load, kind="container", copier=lambda v: v.copy())


def _deque() -> Kind:
    from collections import deque

    def load(payload: Any) -> Any:
        items, *limit = _of_type(payload, list)
        return deque(_of_type(items, list), *_ints(limit))

    return Kind(
        deque,
        lambda v: [list(v)] if v.maxlen is None else [list(v), v.maxlen],
        load,
        kind="container",
        copier=lambda v: v.copy(),
    )


def _fraction() -> Kind:
    from fractions import Fraction

    def load(payload: Any) -> Any:
        numerator, denominator = _ints(payload)
        return Fraction(numerator, denominator)

    return Kind(Fraction, lambda v: [v.numerator, v.denominator], load)


def _address(name: str) -> Callable[[], Kind]:
    def make() -> Kind:
        import ipaddress

        cls = getattr(ipaddress, name)
        return Kind(cls, str, lambda p: cls(_of_type(p, str)))

    return make


def _completed() -> Any:
    from subprocess import CompletedProcess

    return Instances(CompletedProcess, dict.fromkeys(("args", "returncode", "stdout", "stderr")))


def _zoned(name: str) -> Callable[[], Kind]:
    """Datetimes in a named zone; others have a tag of their own."""

    def make() -> Kind:
        import datetime

        cls = getattr(datetime, name)

        def dump(value: Any) -> Any:
            zone = _zone_key(value.tzinfo)
            if zone is None:
                raise Refused(
                    f"datetime.{name} in a time zone that has no name of the standard library's",
                    ".astimezone(datetime.timezone.utc) can be stored, and zoneinfo.ZoneInfo",
                )
            return [value.replace(tzinfo=None).isoformat(), zone, value.fold]

        def load(payload: Any) -> Any:
            from zoneinfo import ZoneInfo

            text, zone, fold = _of_type(payload, list)
            moment = cls.fromisoformat(_of_type(text, str))
            return moment.replace(tzinfo=ZoneInfo(_of_type(zone, str)), fold=_of_type(fold, int))

        return Kind(cls, dump, load)

    return make


def _zone_key(zone: Any) -> str | None:
    """The name under which a zone is found again, if it leads to an equal zone."""
    from zoneinfo import ZoneInfo

    key = zone.key if type(zone) is ZoneInfo else None
    return key if key is not None and ZoneInfo(key) is zone else None


_ADDRESSES = [f"IPv{n}{kind}" for n in (4, 6) for kind in ("Address", "Network", "Interface")]
_KINDS: dict[str, Callable[[], Any]] = {
    "builtins:range": _range,
    "builtins:bytearray": _bytearray,
    "collections:Counter": _counter,
    "collections:OrderedDict": _ordered,
    "collections:defaultdict": _defaulting,
    "collections:deque": _deque,
    "fractions:Fraction": _fraction,
    "subprocess:CompletedProcess": _completed,
    "datetime:datetime": _zoned("datetime"),
    "datetime:time": _zoned("time"),
    **{f"ipaddress:{name}": _address(name) for name in _ADDRESSES},
}
_made: dict[str, Any] = {}


def named(name: str) -> Any:
    """Return the kind that files call ``name``; None if there is none."""
    if name not in _KINDS:
        return None
    if name not in _made:
        _made[name] = _KINDS[name]()
    return _made[name]


def name_of(cls: type) -> str | None:
    """Return the name of a class of the standard library in files; None for any other class."""
    name = f"{cls.__module__}:{cls.__qualname__}"
    kind = named(name)
    return name if kind is not None and kind.cls is cls else None
