"""What we need of ``typing`` and ``collections``; importing one takes longer than all of outlive.

A program that uses these modules imports them; one that does not should not have to.
"""

from __future__ import annotations

TYPE_CHECKING = False
# Mypy takes this name to be true, as TYPE_CHECKING: what stands below `if not MYPY` is for pyright.
MYPY = False

if TYPE_CHECKING:
    from collections.abc import MutableMapping as MutableMapping
    from typing import overload as overload
else:
    # collections.abc gets it from here; the interpreter itself has imported it by now.
    from _collections_abc import MutableMapping as MutableMapping

    def overload(function):
        """Do nothing: overloads are for type checkers."""
        return function
