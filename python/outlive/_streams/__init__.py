"""Generator functions: recorded while they are consumed, and replayed.

```text
first consumer   asks for a piece --> the source gives it --> noted, and handed on
second consumer  gets the pieces that are noted, then whoever needs the next one asks the source
source ends      all pieces become one result, which is kept like any other
last one leaves  before the end: the source is closed, and nothing is kept
```

Pieces are kept in memory until the end: the beginning of a stream that was cut off is of no use to
anybody.
"""

from __future__ import annotations

from .face import face as face
