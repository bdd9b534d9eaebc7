"""What a cache file holds, read as anybody would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def results(path: Path) -> dict[str, Any]:
    """The results of a file in either format, by key; ``"outlive"`` and the like left out."""
    content: dict[str, Any] = json.loads(path.read_bytes())
    if "outlive:meta" in content or "format" not in content.get("outlive", {}):
        return {key: value for key, value in content.items() if key != "outlive:meta"}
    return {key: entry["result"] for key, entry in content.items() if key != "outlive"}
