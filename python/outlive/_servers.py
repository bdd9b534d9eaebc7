"""Caches on servers: their URLs, and what they cannot have."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: How the URLs of servers begin; the native half knows them whole.
_SCHEMES = ("redis", "valkey", "unix")


def is_url(path: object) -> bool:
    """Return whether ``path`` is the URL of a server."""
    return isinstance(path, str) and "://" in path and path.startswith(_SCHEMES)


def url(path: object, name: object) -> str | None:
    """Return the URL of the server that ``path`` is, with the name that ``name=`` says; else None.

    Raises:
        TypeError: ``name`` is no str.
        ValueError: ``path`` is no URL of a server, and there is a name; or the URL has another one.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name= takes a str, not {name!r}")
    if not isinstance(path, str) or not is_url(path):
        if name is not None:
            raise ValueError(
                "name= is for a cache on a server: a file is named by its path, and a function by "
                "@cache.memoise(name=...)"
            )
        return None
    if name is None:
        return path
    base, _, query = path.partition("?")
    given = [part for part in query.split("&") if part.startswith("name=")]
    if given and given != [f"name={name}"]:
        raise ValueError(f"name={name!r}: the URL has another one, {given[0]}")
    return path if given else f"{base}?{query}{'&' if query else ''}name={name}"


def refuse(*, app: Any, durability: str) -> None:
    """Raise ValueError for what a cache on a server cannot have.

    Raises:
        ValueError: one of the arguments is given.
    """
    if app is not None:
        raise ValueError("app= names a file: a server is named by its URL alone")
    if durability != "flush":
        raise ValueError(
            "durability='fsync' is for files: what a server keeps, and how safely, its own "
            "configuration says (appendonly, save)"
        )
