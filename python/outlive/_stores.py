"""The store that a path or a URL means: a JSON file, or an SQLite database."""

from __future__ import annotations

import os

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A new file with one of these extensions becomes a database.
_EXTENSIONS = (".db", ".sqlite", ".sqlite3")
#: How a database begins.
_MAGIC = b"SQLite format 3\0"
#: How many bytes tell, and those that a cache's own have in the end: also if others are damaged.
_HEADER, _OURS = 72, b"outl"
_SCHEME = "sqlite:///"
#: The page size of a new database, in bytes: texts of 2 KB take 1.4 times their size.
PAGE_SIZE = 8192


def parsed(path: str | os.PathLike[str] | None) -> tuple[str | os.PathLike[str] | None, int | None]:
    """Return the path that is meant, and the page size in the URL of a database.

    A value that is no URL is a path. The default page size of a URL is 8192.

    Raises:
        ValueError: it is a URL of no store that outlive knows, or has a parameter that it does not.
    """
    scheme = _scheme_of(path)
    if scheme is None or not isinstance(path, str):
        return path, None
    if not path.startswith(_SCHEME):
        raise ValueError(
            f"{scheme}: outlive has no such store in {shown(path)!r}; sqlite:///x.db names x.db "
            "here, sqlite:////tmp/x.db the file /tmp/x.db, redis://host:6379/0 a server"
        )
    from urllib.parse import unquote  # not before somebody asks: it takes a while to import

    name, _, query = path.removeprefix(_SCHEME).partition("?")
    if not name:
        raise ValueError(f"{path!r} names no file; None keeps everything in memory")
    return unquote(name), _page_size(query, path)


def _scheme_of(path: object) -> str | None:
    """The scheme of a URL; None for a path."""
    if not isinstance(path, str) or "://" not in path:
        return None
    scheme = path.partition("://")[0]
    # The others are paths, if strange ones, or begin with a drive.
    is_scheme = len(scheme) >= 2 and scheme.replace("+", "").replace("-", "").isalnum()
    return scheme if is_scheme else None


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path or URL as messages show it: of a server, without user, passwords, options."""
    scheme, text = _scheme_of(path), os.fspath(path)
    if scheme is None or text.startswith(_SCHEME):
        return text
    head, _, query = text.partition("?")
    if "@" in query:  # of a password with a question mark, a part of which stands before it
        return f"{scheme}://..."
    place = head.partition("://")[2]
    return f"{scheme}://{place.rpartition('@')[2]}"


def refuse_beside_mapping(*, path: object, app: object, fallback: object, durability: str) -> None:
    """Refuse what means nothing for a cache over a mapping.

    Raises:
        TypeError: a path is given, too.
        ValueError: an option is given that a mapping cannot keep.
    """
    if path is not None or app is not None:
        raise TypeError("give either a path, app= or store=, not two of them")
    if fallback is not None:
        raise ValueError("fallback= needs a cache in a file, and store= is a mapping")
    if durability == "fsync":
        raise ValueError("durability='fsync': how durable results are is up to the mapping")


def _page_size(query: str, url: str) -> int:
    size = PAGE_SIZE
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name != "page_size":
            raise ValueError(f"{url!r}: there is no parameter {name!r}, only page_size")
        if not value.isdecimal() or int(value) not in [512 << n for n in range(8)]:
            raise ValueError(f"{url!r}: a page size is 512, 1024, 2048 and so on up to 65536")
        size = int(value)
    return size


def is_database(path: str, open_here: Iterable[str]) -> bool:
    """Return whether a database is, or is to be, at ``path``.

    The first bytes of an existing file decide, the extension of a new one. A file ending in .json
    is never looked at. ``open_here`` are the databases that this process uses.
    """
    extension = os.path.splitext(path)[1].lower()
    if extension == ".json":
        return False
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return extension in _EXTENSIONS
    if status.st_size == 0 or not os.path.isfile(path):
        return extension in _EXTENSIONS
    # NOTE: closing a database that this process has open would release its locks.
    if any(_is_same(status, other) for other in open_here):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(_HEADER)
            return start.startswith(_MAGIC) or start[68:72] == _OURS
    except OSError:
        return extension in _EXTENSIONS


def _is_same(status: os.stat_result, path: str) -> bool:
    try:
        return os.path.samestat(status, os.stat(path))
    except OSError:
        return False


def url_of(path: str) -> str:
    """Return the URL of the database at an absolute path, whatever its extension."""
    from urllib.parse import quote

    return _SCHEME + quote(path)
