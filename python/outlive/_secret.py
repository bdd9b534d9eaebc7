"""Digests of secret arguments: the same for equal arguments, different in every file."""

from __future__ import annotations

import os

from . import _core
from ._digest import keyed


def salt_of(core: _core.Cache) -> str:
    """Return the salt of a cache; it is made when first needed, and kept in the file."""
    return core.salt.get() or core.salt.offer(os.urandom(16).hex())


class Digester:
    """Digests the secret arguments of one function.

    The key of the digests is a random salt, which the file keeps under its reserved key. So trying
    out tokens needs the file, and starts anew for each file. A salt is no password: somebody who
    has the file can guess short secrets.
    """

    def __init__(self, core: _core.Cache, function: str) -> None:
        """Make digests for ``function`` in the file of ``core``."""
        self._core, self._function = core, function

    def __call__(self, parameter: str, text: bytes) -> str:
        """Return the digest of an argument's key ``text``, different for each parameter."""
        place = f"{salt_of(self._core)}:{self._function}({parameter}="
        key = keyed(place.encode("utf-8", "surrogatepass"), b"", 64)
        return keyed(text, key, 16).hex()
