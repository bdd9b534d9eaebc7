"""``python -m classes.fuzz SECONDS``: hostile tags of classes, as one of the targets of ``make fuzz``.

No call may raise, and nothing that stands in a file may make the process run a program, unpickle or
import anything: Python's audit events tell.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classes.payloads import PAYLOADS, serve

_FORBIDDEN = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class"}

_happened: list[str] = []
_served = [0]


def _hear(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        _happened.append(event)


@settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PAYLOADS, min_size=20, max_size=40))
def _attack(payloads: list[Any]) -> None:
    _happened.clear()
    serve(payloads)
    assert _happened == [] and "antigravity" not in sys.modules
    _served[0] += len(payloads)


def main() -> None:
    """Attack for so many seconds, and say how often."""
    end = time.monotonic() + float(sys.argv[1])
    # What is imported and compiled at the first use is ours.
    serve([{"$classes.shop:Repo": {}}, {"$numpy:ndarray": {}}, {"$datetime:datetime": 1}])
    sys.addaudithook(_hear)
    while time.monotonic() < end:
        _attack()
    print(f"classes: {_served[0]} payloads")


if __name__ == "__main__":
    main()
