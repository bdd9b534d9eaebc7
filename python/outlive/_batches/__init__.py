"""Functions that take many items in one call: ``@cache.memoise(each="ids")``.

Each item has an entry of its own, and a flight of its own. A call asks for all of its items and
computes those that it leads. Only when it leads nothing any more does it wait for those that others
compute. So calls whose items overlap never wait for each other in a circle, and no item is computed
twice.
"""

from __future__ import annotations

from .face import face as face
