"""`growth URI`: a caller that adds to a listing it was given, as octohatrack's own code once did.

Prints the length of the listing as it was and as the cache gives it afterwards: twice a hit, then the mapping.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from importlib import import_module


def main() -> None:
    """Grow a result as a caller would."""
    (uri,) = sys.argv[1:]
    helpers = import_module("octohatrack.helpers")
    lengths = []
    with redirect_stdout(io.StringIO()):
        for _ in range(3):
            listing = helpers.get_paged_json(uri)
            lengths.append(len(listing))
            listing += listing
    cache = vars(helpers).get("cache") or import_module("outlive").cache
    print(json.dumps([*lengths, len(cache[uri])]))
