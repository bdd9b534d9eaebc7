"""What annotations need of ``typing``, which takes longer to import than all of outlive."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import overload as overload
else:

    def overload(function):
        """Do nothing: overloads are for type checkers."""
        return function
