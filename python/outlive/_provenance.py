"""The origin of a kept result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ._facts import Fact, fact_of
from ._spans import moment, span

if TYPE_CHECKING:
    from . import _core


@dataclass(frozen=True)
class Provenance:
    """When and how a kept result was made. ``str()`` of it is a line.

    Attributes:
        function: ``module.qualname``, or the text of ``name=``.
        key: The key's text.
        created: When it was made; None if that is not known.
        took: How many seconds the call took, if that is known.
        code: Digest of the function's code as it was, if it is known.
        depends: The versions that the packages of ``depends=`` had; None: not installed.
        meta: What ``meta=`` said of the result.
        cost: What ``cost=`` said of the result, if that is a callable.
        tags: What ``tags=`` said of the result.
    """

    function: str
    key: str
    created: datetime | None
    took: float | None
    code: str | None
    depends: dict[str, str | None]
    meta: Any
    cost: float | None
    tags: tuple[str, ...]

    def __str__(self) -> str:
        when = "at an unknown time"
        if self.created is not None:
            when = f"{self.created:%Y-%m-%d %H:%M:%S} UTC"
        parts = [f"made {when}"]
        if self.took is not None:
            parts.append(f"in {span(self.took)}")
        if self.code is not None:
            parts.append(f"by code {self.code}")
        if self.depends:
            versions = (f"{name} {version}" for name, version in self.depends.items())
            parts.append(f"with {', '.join(versions)}")
        if self.cost is not None:
            parts.append(f"for {self.cost:g}")
        known = (("meta", self.meta), ("tags", self.tags or None))
        shown = [f"{name}: {value!r}" for name, value in known if value is not None]
        return "; ".join([" ".join(parts), *shown])


def of_fact(fact: Fact, function: str) -> Provenance:
    """Return what one entry says of its origin; members that make no sense are left out."""
    notes = fact.notes
    depends, tags, cost = (notes.get(name) for name in ("depends", "tags", "cost"))
    return Provenance(
        function=function,
        key=fact.key,
        created=moment(fact.created),
        took=fact.took,
        code=fact.code,
        depends=depends if isinstance(depends, dict) else {},
        meta=notes.get("meta"),
        cost=float(cost) if isinstance(cost, (int, float)) else None,
        tags=tuple(tags) if isinstance(tags, list) else (),
    )


def of_entry(core: _core.Cache, function: str, key: str) -> Provenance | None:
    """Return the origin of the result under ``key``; None if there is none."""
    fact = fact_of(core, key)
    return None if fact is None else of_fact(fact, function)
