"""Describes arguments of data classes, arrays and frames by their whole content."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

from . import _core
from ._classes import arrays, code_names, families, kinds
from ._classes.instances import is_cached_property
from ._classes.problems import Refused
from ._digest import short


def data(value: Any) -> tuple[str, Any] | None:
    """Return the class of a value and its fields; None if the class is not made to hold data."""
    cls = type(value)
    if not (code_names.is_data_class(cls) or kinds.name_of(cls) is not None):
        return None
    try:
        parts = families.family_of(cls).dump(value)
    except Refused:
        return None
    if isinstance(parts, dict) and "$attributes" in parts:
        # A cached property follows from the fields.
        own = {n: v for n, v in parts["$attributes"].items() if not _is_cached(cls, n)}
        parts["$attributes"] = own
        if not own:
            del parts["$attributes"]
    if cls is OrderedDict:
        parts = list(value.items())  # two are equal only in the same order
    return _core.class_name(cls), parts


def _is_cached(cls: type, name: str) -> bool:
    return any(is_cached_property(base.__dict__.get(name)) for base in cls.__mro__)


def array(value: Any) -> tuple[str, Any] | None:
    """Return the dtype and the shape of an array of numpy, and a digest of its bytes."""
    numpy: Any = sys.modules.get("numpy")
    if (
        numpy is None
        or type(value) is not numpy.ndarray
        or value.dtype.kind not in arrays.BYTES_SAY_ALL
    ):
        return None
    return "numpy.ndarray", [value.dtype.str, list(value.shape), short(value.tobytes(), length=26)]


def frame(value: Any) -> tuple[str, Any] | None:
    """Return the columns of a frame of pandas or polars, and a digest of its whole content."""
    cls = type(value)
    library = cls.__module__.partition(".")[0]
    module: Any = sys.modules.get(library)
    if library not in ("pandas", "polars") or cls.__name__ not in ("DataFrame", "Series"):
        return None
    if cls is not getattr(module, cls.__name__, None):
        return None
    parts = _pandas(value, module) if library == "pandas" else _polars(value, module)
    return None if parts is None else (f"{library}.{cls.__name__}", parts)


def _pandas(value: Any, pandas: Any) -> list[Any] | None:
    is_series = type(value) is pandas.Series
    columns = value.to_frame() if is_series else value
    names = [value.name] if is_series else [list(columns.columns), list(columns.columns.names)]
    try:
        plain = [n for n, dtype in enumerate(columns.dtypes) if str(dtype) != "object"]
        others = columns.iloc[:, plain]
        rows = pandas.util.hash_pandas_object(others, index=True)
        objects = [_objects(columns.iloc[:, n]) for n in range(columns.shape[1])]
    except TypeError:  # cells that have no key, or cannot be hashed
        return None
    types = [_dtype_text(dtype) for dtype in columns.dtypes]
    content = short(rows.to_numpy().tobytes(), length=26)
    notes = [value.attrs] if value.attrs else []
    return [list(columns.shape), names, types, _index_text(value.index), content, objects, *notes]


def _objects(column: Any) -> str | None:
    """A digest of a column of Python objects, in which 1, True and "1" are three."""
    if str(column.dtype) != "object":
        return None
    return short(_core.canonical(column.tolist()), length=26)


def _dtype_text(dtype: Any) -> str:
    categories = getattr(dtype, "categories", None)
    if categories is None:
        return str(dtype)
    return f"{dtype}({_core.canonical(categories.tolist())}, {getattr(dtype, 'ordered', None)})"


def _index_text(index: Any) -> list[Any]:
    """What an index is beyond its values, which are part of the rows' digests."""
    levels = [_dtype_text(level.dtype) for level in getattr(index, "levels", (index,))]
    objects = _core.canonical(index.tolist()) if index.dtype == object else ""
    shown = short(objects, length=26) if objects else None
    return [type(index).__name__, list(index.names), levels, getattr(index, "freqstr", None), shown]


def _polars(value: Any, polars: Any) -> list[Any] | None:
    import io

    frame = value.to_frame() if type(value) is polars.Series else value
    if any(dtype == polars.Object for dtype in frame.dtypes):
        return None
    content = io.BytesIO()
    frame.rechunk().write_ipc_stream(content)
    return [list(frame.shape), short(content.getvalue(), length=26)]
