"""The modules that calls use, and that take longer to import than outlive itself.

They are imported when the first function is decorated. A call must not fail where nothing can be
imported any more: no descriptor is left, a newer version was installed over this one, the process
gave up the right to read.
"""

from __future__ import annotations

import json  # noqa: F401 - the digest of a script's function is quoted
import sys

from . import (  # noqa: F401
    _class_shape,
    _code_digest,
    _describe,
    _info,
    _modes,
    _naming,
    _nearest,
    _previous,
)

#: What the modules for values of classes and of the standard library's types import in their turn:
#: some 8 ms. A program that has imported none of it has no such values.
_COSTLY = ("datetime", "decimal", "ipaddress", "pathlib", "uuid")


def import_for_calls() -> None:
    """Import what a call may need, except what takes long and the program may never use."""
    if all(name in sys.modules for name in _COSTLY):
        import_all()


def import_all() -> None:
    """Import what a call may need, however long that takes."""
    from . import _described_data, _tags  # noqa: F401
    from ._classes import enums, named_tuples, owners, records  # noqa: F401

    if "msgspec" in sys.modules:
        from ._classes import msgspec_structs  # noqa: F401
    if "pydantic" in sys.modules:
        from ._classes import pydantic_models  # noqa: F401
