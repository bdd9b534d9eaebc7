"""Arrays and scalars of numpy: dtype, shape and bytes."""

from __future__ import annotations

import base64
import sys
from typing import Any

from .. import _core
from .instances import checked_dict
from .names import shown
from .problems import Mismatch, Refused

#: The kinds of dtypes whose bytes say all: numbers, moments and texts of a fixed size.
BYTES_SAY_ALL = "biufcmMSU"


def named(name: str) -> Any:
    """Return the kind of the name ``name`` in files; None unless the program has imported numpy."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not name.startswith("numpy:"):
        return None
    # The name comes from the file: numpy imports some of its modules when they are asked for.
    cls = vars(numpy).get(name.removeprefix("numpy:"))
    if cls is numpy.ndarray or (isinstance(cls, type) and issubclass(cls, numpy.generic)):
        return _known(cls, numpy)
    return None


def name_of(cls: type) -> str | None:
    """Return the name of an array's or scalar's class in files; None for any other class."""
    name = f"numpy:{cls.__name__}"
    kind = named(name) if cls.__module__ == "numpy" else None
    return name if kind is not None and kind.cls is cls else None


_made: dict[type, Any] = {}


def _known(cls: type, numpy: Any) -> Any:
    if cls not in _made:
        _made[cls] = Arrays(numpy) if cls is numpy.ndarray else Scalars(cls, numpy)
    return _made[cls]


def _checked_dtype(numpy: Any, text: Any) -> Any:
    """Return the dtype that a payload names, if it is of a simple kind."""
    try:
        dtype = numpy.dtype(text) if type(text) is str else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in BYTES_SAY_ALL or dtype.fields is not None:
        raise Mismatch(f"what is stored is of no dtype that there is: {text!r}")
    return dtype


def _data(dtype: Any, cls: type) -> None:
    if dtype.kind not in BYTES_SAY_ALL or dtype.metadata:
        raise Refused(
            f"{shown(cls)} of dtype {dtype}", "convert it to numbers or str, or use dump=/load="
        )


class Arrays:
    """Arrays of numbers, times and strings of a fixed size."""

    def __init__(self, numpy: Any) -> None:
        self._numpy, self.cls = numpy, numpy.ndarray
        self.shape = _core.Shape(self.cls, "whole", copier=_copied)

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the payload."""
        _data(value.dtype, self.cls)
        is_fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        order = "F" if is_fortran else "C"
        payload = {
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "data": base64.b64encode(value.tobytes(order)).decode(),
        }
        return payload | ({"order": "F"} if is_fortran else {})

    def load(self, payload: Any) -> Any:
        """Return the array, writable."""
        payload = checked_dict(payload)
        dtype = _checked_dtype(self._numpy, payload.get("dtype"))
        try:
            data = bytearray(base64.b64decode(payload["data"], validate=True))
            flat = self._numpy.frombuffer(data, dtype) if data else self._numpy.empty(0, dtype)
            return flat.reshape(payload["shape"], order=payload.get("order", "C")).copy(order="K")
        except (KeyError, TypeError, ValueError) as problem:
            raise Mismatch(f"what is stored is no array: {problem}") from None


def _copied(array: Any) -> Any:
    return array.copy(order="K")


class Scalars:
    """Scalars of one type: strings as they are, all others as dtype and bytes."""

    def __init__(self, cls: type, numpy: Any) -> None:
        self._numpy, self.cls = numpy, cls
        self._plain: Any = next((k for k in (str, bytes) if issubclass(cls, k)), None)
        self.shape = _core.Shape(cls, "shared")

    def dump(self, value: Any) -> Any:
        """Return the payload: dtype and bytes; for a number also its text, for human readers."""
        if self._plain is not None:  # str() of it, as its bytes, ends where NULs begin
            return self._plain.__getitem__(value, slice(None))
        _data(value.dtype, self.cls)
        return [value.dtype.str, base64.b64encode(value.tobytes()).decode(), str(value)]

    def load(self, payload: Any) -> Any:
        """Return the scalar."""
        if self._plain is not None:
            if type(payload) is not self._plain:
                raise Mismatch("what is stored is no text")
            return self.cls(payload)
        try:
            dtype = _checked_dtype(self._numpy, payload[0])
            if dtype.kind not in "mM":
                # Two types of one machine may share one dtype text.
                dtype = self._numpy.dtype(self.cls)
            data = base64.b64decode(payload[1], validate=True)
            value: Any = self._numpy.frombuffer(data, dtype)[0]
        except (IndexError, KeyError, TypeError, ValueError) as problem:
            raise Mismatch(f"what is stored is no number: {problem}") from None
        found = type(value)
        if found is not self.cls or value.dtype.str != payload[0]:
            raise Mismatch(f"what is stored is a {found.__name__}")
        return value
