"""What AddressSanitizer cannot run (``make asan`` leaves it out and prints each with its reason)."""

from __future__ import annotations

import pytest

#: Frames of an instrumented function, and of the sanitizer's own allocator, take several times the room.
small_stacks = pytest.mark.not_sanitized(reason="its frames do not fit into small stacks")

#: They copy stacks as a whole, with the gaps between variables that nobody may read otherwise.
greenlets = pytest.mark.not_sanitized(reason="greenlets copy stacks with all that it guards there")
