"""The family of a class, which decides how its instances are taken apart."""

from __future__ import annotations

import sys
from contextlib import suppress
from weakref import WeakKeyDictionary

from .._naming import leads_to
from .._typing import TYPE_CHECKING
from .problems import Refused

if TYPE_CHECKING:
    from typing import Any, Protocol

    from .. import _core

    class Family(Protocol):
        """Stores and copies the instances of one class."""

        shape: _core.Shape

        def dump(self, value: Any, /) -> Any:
            """Return the payload of an instance."""

        def load(self, payload: Any, /) -> Any:
            """Return the instance that was taken apart into ``payload``."""


_known: WeakKeyDictionary[type, Family | Refused] = WeakKeyDictionary()
#: The families of classes that no module holds, oldest first: a family keeps its class alive, and a
#: program may make a class for each request.
_passing: dict[type, Family] = {}
_MOST_PASSING = 512


def family_of(cls: type) -> Family:
    """Return how instances of ``cls`` are stored.

    Raises:
        Refused: they cannot be stored.
    """
    found: Family | Refused | None = _known.get(cls) or _passing.get(cls)
    if found is None:
        try:
            found = _made(cls)
        except Refused as refused:
            found = refused.with_traceback(None)
        _remember(cls, found)
    if isinstance(found, Refused):
        raise Refused(found.what, found.advice)
    return found


def _remember(cls: type, found: Family | Refused) -> None:
    if isinstance(found, Refused) or leads_to(cls):
        _known[cls] = found
        return
    _passing[cls] = found
    while len(_passing) > _MOST_PASSING:
        with suppress(RuntimeError, StopIteration):  # another thread has just done the same
            _passing.pop(next(iter(_passing)), None)


def _made(cls: type) -> Family:
    from . import custom, enums, kinds, named_tuples, records, refusals

    registered: Family | None = custom.family(cls)
    if registered is not None:
        return registered
    kind: Family | None = kinds.family(cls)
    if kind is not None:
        return kind
    refusals.check(cls)
    found: Family | None
    for module in (enums, named_tuples):
        found = module.family(cls)
        if found is not None:
            return found
    if "msgspec" in sys.modules:
        from . import msgspec_structs

        found = msgspec_structs.family(cls)
        if found is not None:
            return found
    if "pydantic" in sys.modules:
        from . import pydantic_models

        found = pydantic_models.family(cls)
        if found is not None:
            return found
    return records.family(cls)


def forget(cls: type) -> None:
    """Forget what is known of ``cls``, because it was registered anew."""
    _known.pop(cls, None)
    _passing.pop(cls, None)
