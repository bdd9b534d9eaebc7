"""A file as an argument: its content is part of the key."""

from __future__ import annotations

import os

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class File(os.PathLike):  # type: ignore[type-arg]
    """An argument that stands for the content of a file: ``count(outlive.File("a.csv"))``.

    The key holds a digest of the content, not the name. The function gets this object, which
    ``open()`` and ``pathlib.Path()`` accept. The content is read when a key is made, and again only
    if the size or the modification time of the file has changed.
    """

    __module__ = "outlive"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file. It is looked at in each call."""
        self.path = os.fspath(path)
        self._known: tuple[Any, list[Any]] | None = None

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"outlive.File({self.path!r})"

    def __memo_key__(self) -> list[Any]:
        """Return the size and a digest of the content.

        Raises:
            OSError: the file cannot be read.
        """
        status = os.stat(self.path)
        state = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        known = self._known
        if known is None or known[0] != state:
            known = self._known = state, self._content()
        return known[1]

    def _content(self) -> list[Any]:
        import hashlib  # only here: it loads OpenSSL

        digest, size = hashlib.blake2b(digest_size=16), 0
        with open(self.path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
        return [size, digest.hexdigest()]
