"""Files of a size that every program which reads them feels."""

from __future__ import annotations

import warnings
from pathlib import Path

from outlive import Cache, CacheFileWarning

#: From this size on, in bytes, a file is told.
LARGE = 500_000_000


def test_a_large_file_is_told_once(tmp_path: Path) -> None:
    """A file that passes 500 MB warns once, at a save, with its name, its size and what to do."""
    path = tmp_path / "c.json"
    path.write_bytes(b'{"k": "' + b"x" * LARGE + b'"}')
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with Cache(path) as cache:
            for number in range(3):
                cache["more"] = number
                cache.save()
    (warning,) = told
    assert issubclass(warning.category, CacheFileWarning)
    assert f"{path} has 500 MB" in str(warning.message) and "maxsize=" in str(warning.message)
