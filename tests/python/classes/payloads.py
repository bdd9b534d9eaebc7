"""What a file may say of classes that no honest writer says, and calls that are answered from such a file."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from classes import shop
from outlive import Cache

_CLASSES = "Owner Repo User Open Struct Pair Plan Access Attrs Cell[int]"
_ALLOWED = [f"$classes.shop:{name}" for name in _CLASSES.split()]
_KNOWN = [
    *("$collections:deque", "$collections:defaultdict", "$collections:Counter", "$builtins:range"),
    *("$datetime:datetime", "$fractions:Fraction", "$ipaddress:IPv4Address", "$tuple", "$set"),
    *("$numpy:ndarray", "$numpy:float64", "$subprocess:CompletedProcess", "$outlive:result"),
]
#: What nobody allows.
_FOREIGN = [
    *("$os:system", "$subprocess:Popen", "$builtins:eval", "$builtins:type", "$pickle:loads"),
    *(
        "$tempfile:_TemporaryFileCloser",
        "$antigravity:Fly",
        "$classes.shop:Repo.__class__",
        "$:",
        "$",
    ),
]
_NAMES = [
    *("name", "login", "id", "a", "b", "x", "y", "item", "$attributes", "$unset", "$given"),
    *("$extra", "$private", "__class__", "__dict__", "__del__", "__init__", "__reduce__"),
    *("model_dump", "_etag", "dtype", "shape", "data"),
]

#: Values of an entry, with tags of all kinds at any depth.
PAYLOADS = st.recursive(
    st.one_of(
        st.none(), st.integers(-3, 2**70), st.sampled_from([*_NAMES, "list", "<f8", "AAAA", "|O"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
        st.tuples(st.sampled_from([*_ALLOWED, *_KNOWN, *_FOREIGN]), inner).map(
            lambda pair: {pair[0]: pair[1]}
        ),
    ),
    max_leaves=12,
)


def serve(payloads: list[Any]) -> None:
    """Call three times for each of the ``payloads``, which are the entries of a file."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "c.json")
        lines = [
            f'"f(n={n})": {json.dumps({"result": p, "at": 1.0})}' for n, p in enumerate(payloads)
        ]
        path.write_text("{\n" + ",\n".join([*lines, '"outlive": {"format": 2}']) + "\n}\n")
        with Cache(path, types=(shop.Everything,)) as cache:
            memoised = cache.memoise(lambda n: "fresh", name="f", key="all")
            for n in range(len(payloads)):
                for _ in range(3):
                    memoised(n)
