"""Digests of texts: short ones, only for comparison, and keyed ones."""

from __future__ import annotations

import base64

try:  # hashlib takes a while to import: it loads OpenSSL
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b


def short(text: str | bytes, salt: str = "", length: int = 8) -> str:
    """Return ``length`` characters that represent ``text``: five bits each, letters and digits."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    digest = blake2b(data, key=salt.encode()[:64], digest_size=20).digest()
    return base64.b32encode(digest).decode().lower()[:length]


def keyed(data: bytes, key: bytes, size: int) -> bytes:
    """Return a digest of ``size`` bytes, which nobody can make without the ``key``."""
    return blake2b(data, key=key, digest_size=size).digest()
