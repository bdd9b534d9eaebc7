"""Frames of pandas and polars, as Arrow's interchange format: columns by their types.

Arrow loses some of what pandas knows (the step of an index, lists in cells). So a frame is read
back before it is stored, and refused if it comes back changed.
"""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

from .. import _core
from .instances import checked_dict
from .names import shown
from .problems import Mismatch, Refused

_PANDAS = ("DataFrame", "Series", "Timestamp", "Timedelta")
_POLARS = ("DataFrame", "Series")
_made: dict[type, Any] = {}


def named(name: str) -> Any:
    """Return the kind of the name ``name`` in files; None unless its library is imported."""
    library, _, kind = name.partition(":")
    module: Any = sys.modules.get(library)
    kinds = {"pandas": _PANDAS, "polars": _POLARS}.get(library, ())
    cls = vars(module).get(kind) if module is not None and kind in kinds else None
    if not isinstance(cls, type):
        return None
    if cls not in _made:
        made: dict[str, Any] = {"Timestamp": Moments, "Timedelta": Spans}
        frames = PandasFrames if library == "pandas" else PolarsFrames
        _made[cls] = made.get(kind, frames)(cls, module)
    return _made[cls]


def name_of(cls: type) -> str | None:
    """Return the name of a frame's class in files, None for any other class."""
    library = cls.__module__.partition(".")[0]
    if library not in ("pandas", "polars"):
        return None
    name = f"{library}:{cls.__name__}"
    kind = named(name)
    return name if kind is not None and kind.cls is cls else None


class Frames:
    """The common part of the frames of both libraries."""

    def __init__(self, cls: type, library: Any) -> None:
        self.cls, self.library = cls, library
        self.shape = _core.Shape(cls, "whole", copier=self.copied)

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the payload.

        Raises:
            Refused: the frame would come back changed.
        """
        payload = self.written(value)
        try:
            problem = self.differs(value, self.load(dict(payload)))
        except Mismatch as mismatch:
            problem = str(mismatch)
        if problem is not None:
            raise Refused(
                f"{shown(self.cls)} that would come back as another ({problem})",
                "convert it first, or use dump=/load=",
            )
        return payload

    def load(self, payload: Any) -> Any:
        """Return the frame."""
        payload = checked_dict(payload)
        major = self._major()
        if payload.get("version") != major:
            raise Mismatch(
                f"version {payload.get('version')} of the library stored it, and this is {major}"
            )
        try:
            data = base64.b64decode(payload.pop("arrow"), validate=True)
            return self.read(data, payload)
        except Exception as problem:  # Arrow's readers raise what they like
            raise Mismatch(f"what is stored is no frame: {problem}") from None

    def written(self, value: Any) -> dict[str, Any]:
        """Return the payload of a frame, without checking that it comes back equal."""
        try:
            data, more = self.arrow(value)
        except Refused:
            raise
        except Exception as problem:
            raise Refused(
                f"{shown(self.cls)} that Arrow does not hold ({problem})",
                "convert it first, or use dump=/load=",
            ) from None
        text = base64.b64encode(data).decode()
        return {"version": self._major(), **more, "arrow": text}

    def _major(self) -> int:
        return int(self.library.__version__.split(".")[0])

    def copied(self, value: Any) -> Any:
        """Return a copy that shares nothing mutable."""
        raise NotImplementedError

    def arrow(self, value: Any) -> tuple[bytes, dict[str, Any]]:
        """Return a frame as a stream of Arrow, and the facts that Arrow does not hold."""
        raise NotImplementedError

    def read(self, data: bytes, payload: dict[str, Any]) -> Any:
        """Return the frame of a stream."""
        raise NotImplementedError

    def differs(self, value: Any, found: Any) -> str | None:
        """Return how the frame that was read differs from the one written; None if it does not."""
        raise NotImplementedError


class PandasFrames(Frames):
    """Frames and series of pandas."""

    def copied(self, value: Any) -> Any:
        """Return a copy; from pandas 3 on the data are copied when one of the two is written to."""
        return value.copy(deep=self._major() < 3)

    def arrow(self, value: Any) -> tuple[bytes, dict[str, Any]]:
        """Return the frame with its index; for a series, a frame of it alone, and its name."""
        if value.attrs:
            raise Refused(f"{shown(self.cls)} with attrs", "clear them, or use dump=/load=")
        more: dict[str, Any] = {}
        frame = value
        if self.cls is self.library.Series:
            more["name"] = value.name
            frame = value.to_frame("values")
        for name, column in frame.items():
            if str(column.dtype) == "object" and not self._is_text(column):
                raise Refused(
                    f"{shown(self.cls)} with the column {name!r} of Python objects",
                    "convert it: .astype(...), or use dump=/load=",
                )
        target = io.BytesIO()
        pyarrow = _pyarrow()
        table = pyarrow.Table.from_pandas(frame)
        with pyarrow.ipc.new_stream(target, table.schema) as stream:
            stream.write_table(table)
        return target.getvalue(), more

    def _is_text(self, column: Any) -> bool:
        """Return whether a column of objects is what pandas makes of texts before version 3."""
        return self._major() < 3 and all(cell is None or type(cell) is str for cell in column)

    def read(self, data: bytes, payload: dict[str, Any]) -> Any:
        """Return the frame or the series."""
        with _pyarrow().ipc.open_stream(data) as stream:
            frame = stream.read_all().to_pandas()
        return frame["values"].rename(payload.get("name")) if "name" in payload else frame

    def differs(self, value: Any, found: Any) -> str | None:
        """Compare values, types, the index and its step."""
        testing = self.library.testing
        is_series = self.cls is self.library.Series
        compare = testing.assert_series_equal if is_series else testing.assert_frame_equal
        try:
            compare(value, found, check_exact=True, check_freq=True, check_flags=True)
        except AssertionError as problem:
            return str(problem).split("\n")[0]
        if type(value.index) is not type(found.index):
            return f"its index is a {type(value.index).__name__}"
        return None


def _pyarrow() -> Any:
    """Return PyArrow: pandas has imported it where it is installed."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is None:
        raise Refused("a frame of pandas, which needs pyarrow to be stored", "pip install pyarrow")
    return pyarrow


class PolarsFrames(Frames):
    """Frames and series of polars."""

    def copied(self, value: Any) -> Any:
        """Return a clone: columns are never written to in place."""
        return value.clone()

    def arrow(self, value: Any) -> tuple[bytes, dict[str, Any]]:
        """Return the frame; for a series, a frame of it alone."""
        is_series = self.cls is self.library.Series
        frame = value.to_frame() if is_series else value
        if any(dtype == self.library.Object for dtype in frame.dtypes):
            raise Refused(f"{shown(self.cls)} of Python objects", "convert it, or use dump=/load=")
        target = io.BytesIO()
        frame.write_ipc_stream(target)
        return target.getvalue(), {}

    def read(self, data: bytes, payload: dict[str, Any]) -> Any:  # noqa: ARG002 - nothing more
        """Return the frame or the series."""
        frame = self.library.read_ipc_stream(io.BytesIO(data))
        return frame.to_series() if self.cls is self.library.Series else frame

    def differs(self, value: Any, found: Any) -> str | None:
        """Compare values and types."""
        same = value.equals(found, null_equal=True)
        frames = self.cls is self.library.DataFrame
        same_types = value.schema == found.schema if frames else value.dtype == found.dtype
        return None if same and same_types else "its values or types"


class Moments:
    """Timestamps of pandas: the text with nanoseconds, the unit, the zone and the fold."""

    def __init__(self, cls: Any, library: Any) -> None:
        self.cls, self.library = cls, library
        self.shape = _core.Shape(cls, "shared")

    def dump(self, value: Any) -> Any:
        """Return the payload."""
        zone = None if value.tz is None else str(value.tz)
        payload = [int(value.value), value.unit, zone, value.fold]
        found = self.load(list(payload))
        same = found == value and (found.unit, found.fold) == (value.unit, value.fold)
        if not same or repr(found) != repr(value) or found.tz != value.tz:
            raise Refused("pandas.Timestamp in a zone without a name", "use .tz_convert('UTC')")
        return payload

    def load(self, payload: Any) -> Any:
        """Return the timestamp."""
        try:
            value, unit, zone, fold = payload
            moment = self.cls(value, unit="ns", tz="UTC").as_unit(unit)
            moment = moment.tz_localize(None) if zone is None else moment.tz_convert(zone)
            return moment.replace(fold=fold) if fold else moment
        except Exception as problem:
            raise Mismatch(f"what is stored is no moment: {problem}") from None


class Spans:
    """Timedeltas of pandas: a number and its unit."""

    def __init__(self, cls: Any, library: Any) -> None:
        self.cls, self.library = cls, library
        self.shape = _core.Shape(cls, "shared")

    def dump(self, value: Any) -> Any:
        """Return the payload."""
        return [int(value.value), value.unit]

    def load(self, payload: Any) -> Any:
        """Return the timedelta."""
        try:
            value, unit = payload
            return self.cls(value, unit="ns").as_unit(unit)
        except Exception as problem:
            raise Mismatch(f"what is stored is no span: {problem}") from None
