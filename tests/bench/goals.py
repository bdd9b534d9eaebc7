"""What was promised, by interpreter: how many times faster than a peer."""

from __future__ import annotations

import sys
import sysconfig

LRU = "functools.lru_cache"
#: A build without profile-guided optimisation up to 3.11, one of a later version, one with it.
_BUILDS = ("3.11", "3.13", "pgo")
_LRU_GOALS = {
    "one key": (2.0, 2.5, 1.5),
    "many keys": (1.3, 1.4, 1.1),
    "two arguments": (2.0, 2.5, 1.6),
    "keyword": (4.5, 5.0, 3.0),
    "method": (2.0, 2.5, 1.5),
}
#: For every hit on a shared result.
_OTHERS = {"the original": 4.5, "cachebox": 20.0, "moka-py": 20.0}


def build() -> str:
    """Which column of the goals this interpreter is measured by."""
    # Distributions optimise by profile in ways that their configuration does not tell.
    if sys.base_prefix == "/usr" or "--enable-optimizations" in (
        sysconfig.get_config_var("CONFIG_ARGS") or ""
    ):
        return "pgo"
    return "3.13" if sys.version_info >= (3, 12) else "3.11"


def of_hit(kind: str) -> dict[str, float]:
    """How many times faster than each peer a hit of this kind must be."""
    goals = {LRU: _LRU_GOALS[kind][_BUILDS.index(build())]}
    return goals | _OTHERS if kind == "one key" else goals
