"""Frozen caches: a canonical file that is only read, and its digest in a file beside it."""

from __future__ import annotations

import glob
import hashlib
import os

from . import _core, _registry
from ._facts import Fact

#: What the digest's file is called behind the cache's, as ``sha256sum`` writes and checks it.
SUFFIX = ".sha256"


def write(core: _core.Cache, path: str) -> tuple[str, int]:
    """Write all entries of ``core`` to a new file, in the order of their keys, and its digest.

    Returns:
        The digest and the number of entries.
    """
    target = _registry.core_of(os.path.abspath(path), False, True)
    target.mode = "on"
    salt = core.salt.get()
    if salt is not None:
        target.salt.offer(salt)
    count = 0
    for row in core.facts.rows(order="key")[0]:
        fact = Fact(*row)
        text = core.facts.text(fact.key)
        if text is not None:
            target.entries.put_text(fact.key, text, created=None)
            count += 1
    target.close()
    digest = digest_of(path)
    with open(path + SUFFIX, "w", encoding="utf-8") as file:
        file.write(f"{digest}  {os.path.basename(path)}\n")
    return digest, count


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def check(core: _core.Cache) -> None:
    """Raise ``ValueError`` if the file of ``core`` does not match the digest beside it."""
    path = str(core.path)
    advice = "write both with `outlive freeze`"
    try:
        with open(path + SUFFIX, encoding="utf-8") as file:
            expected = file.read().split()[0]
        found = digest_of(path)
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: mode 'frozen' needs the file and its digest: {error}; {advice}"
        ) from error
    if glob.glob(f"{glob.escape(path)}.journal-*"):
        raise ValueError(
            f"{path}: a program is changing it, or was cut off doing so: there is a journal beside "
            f"it; a frozen file is only read: {advice} anew"
        )
    if found != expected:
        raise ValueError(
            f"{path}: it was changed since it was frozen: its SHA-256 is {found}, and the digest "
            f"in {path}{SUFFIX} is {expected}; take the file back, or {advice} anew"
        )
