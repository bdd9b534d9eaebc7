"""Arrays, frames, and results of SDKs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import numpy as np
import openai
import pandas as pd
import pytest
from anthropic import Anthropic
from anthropic.types import Message
from openai.types.chat import ChatCompletion

from outlive import Cache, UnstorableWarning


def _polars() -> Any:
    """Return polars, or skip the test: it has no wheel for Pythons without a GIL."""
    return pytest.importorskip("polars")


ARRAYS: dict[str, Callable[[], Any]] = {
    "floats": lambda: np.arange(6.0).reshape(2, 3),
    "columns first": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    "a view": lambda: np.arange(10)[::2],
    "nothing": lambda: np.empty((0, 3), np.float32),
    "one number": lambda: np.array(5),
    "moments": lambda: np.array(["2026-01-01"], "datetime64[ns]"),
    "texts": lambda: np.array(["a", "bcd"]),
    "big-endian": lambda: np.array([1, 2], ">i4"),
    "a float": lambda: np.float64(0.1),
    "an int": lambda: np.int8(-3),
    "a bool": lambda: np.bool_(True),
    "a moment": lambda: np.datetime64("2026-01-01T00:00:00.5"),
    "a text": lambda: np.str_("ä"),
    "a text that ends with NUL": lambda: np.str_("a\0"),
    "an empty text": lambda: np.str_(""),
    "bytes": lambda: np.bytes_(b"a\0"),
    "a long": lambda: np.longlong(5),
}

FRAMES: dict[str, Callable[[], Any]] = {
    "columns": lambda: pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", None]}),
    "an index": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="i")),
    "two indexes": lambda: pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", "t"])
    ),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}),
    "moments": lambda: pd.DataFrame(
        {"at": pd.date_range("2026-01-01", periods=2, tz="Europe/Berlin")}
    ),
    "nothing": lambda: pd.DataFrame(),
    "a series": lambda: pd.Series([1.5, 2.5], name="s"),
    "a series without a name": lambda: pd.Series(["a", "b"]),
    "a timestamp": lambda: pd.Timestamp("2026-10-25 02:30").tz_localize(
        "Europe/Berlin", ambiguous=True
    ),
    "nanoseconds": lambda: pd.Timestamp(1, unit="ns"),
    "a span": lambda: pd.Timedelta("1 days 00:00:01"),
    "polars": lambda: _polars().DataFrame(
        {"a": [1, None], "b": [["x"], []], "c": [dt.date(2026, 1, 1)] * 2}
    ),
    "a series of polars": lambda: _polars().Series("s", [1, 2, 3]),
}


def _all_hits(tmp_path: Path, make: Callable[[], Any]) -> list[Any]:
    """Return hits of two processes on one file, the first call among them."""
    hits: list[Any] = []

    def f() -> Any:
        hits.append(make())
        return hits[-1]

    for _ in range(2):
        with Cache(tmp_path / "cache.json", on_unstorable="raise") as cache:
            memoised = cache.memoise(f, name="f")
            hits += [memoised() for _ in range(4)]
    assert len(hits) == 9, "it was computed once"
    return hits


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_and_scalars(tmp_path: Path, name: str) -> None:
    """An array comes back with its dtype, shape and order; each hit may be written to."""
    want = ARRAYS[name]()
    hits = _all_hits(tmp_path, ARRAYS[name])
    for hit in hits:
        assert type(hit) is type(want) and hit.dtype == want.dtype
        assert not isinstance(want, (str, bytes)) or len(hit) == len(want)
        np.testing.assert_array_equal(hit, want)
        if isinstance(hit, np.ndarray):
            assert hit.shape == want.shape
            assert name == "a view" or hit.flags.f_contiguous == want.flags.f_contiguous
    if isinstance(want, np.ndarray) and want.size:
        hits[-1].flat[0] = hits[-1].flat[-1]
        np.testing.assert_array_equal(hits[-2], want)


@pytest.mark.parametrize("name", FRAMES)
def test_frames(tmp_path: Path, name: str) -> None:
    """A frame comes back with its types and its index."""
    want = FRAMES[name]()
    for hit in _all_hits(tmp_path, FRAMES[name]):
        assert type(hit) is type(want)
        assert repr(hit) == repr(want)
        assert hit is not want or isinstance(want, (pd.Timestamp, pd.Timedelta))


def test_frames_are_copies() -> None:
    """A caller that writes into a frame does not change the next one's."""
    f = Cache().memoise(lambda: pd.DataFrame({"a": [1, 2]}), name="f")
    for _ in range(4):
        frame = f()
        assert frame["a"].tolist() == [1, 2]
        frame.loc[0, "a"] = 9


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: np.array([object()]), "of dtype object"),
        (lambda: np.ma.masked_array([1], [True]), "MaskedArray"),
        (lambda: pd.DataFrame({"o": [[1], {}]}), "column 'o' of Python objects"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "pandas.* that"),
        (lambda: _polars().DataFrame({"o": [object()]}), "of Python objects"),
    ],
)
def test_what_is_not_stored_is_told(make: Callable[[], Any], told: str) -> None:
    """A frame that would come back changed is refused, and the message names the column."""
    with pytest.warns(UnstorableWarning, match=told):
        Cache().memoise(make, name="f")()


CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "new_field": {"beta": [1]},
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "hello", "annotations": []},
            "logprobs": None,
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hello", "citations": None}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def _client(kind: Any, answer: Any, http: Any = httpx) -> Any:
    """A client whose requests reach nobody."""
    transport = http.MockTransport(
        lambda request: http.Response(
            200, json=answer, headers={"x-request-id": "r1", "request-id": "r1"}
        )
    )
    return kind(api_key="secret", http_client=http.Client(transport=transport))


def _chat() -> ChatCompletion:
    client = _client(openai.OpenAI, CHAT)
    made: ChatCompletion = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}]
    )
    return made


def _message() -> Message:
    client = _client(Anthropic, MESSAGE, httpx2)
    made: Message = client.messages.create(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}]
    )
    return made


@pytest.mark.parametrize("make", [_chat, _message])
def test_sdk_objects(tmp_path: Path, make: Callable[[], Any]) -> None:
    """The result of an SDK comes back whole: unknown fields, set fields, the request's id."""
    want = make()
    for _ in range(2):
        with Cache(tmp_path / "cache.json", on_unstorable="raise") as cache:
            memoised = cache.memoise(make, name="f")
            for _ in range(4):
                found = memoised()
                assert found == want and repr(found) == repr(want)
                assert found.model_dump() == want.model_dump() and found.to_dict() == want.to_dict()
                assert found.model_fields_set == want.model_fields_set
                assert found._request_id == want._request_id == "r1"
    assert "secret" not in (tmp_path / "cache.json").read_text()


def test_sdk_functions_themselves(tmp_path: Path) -> None:
    """A method of a client is memoised as it is: its own annotation names the class."""
    for _ in range(2):
        with Cache(tmp_path / "cache.json", on_unstorable="raise") as cache:
            client = _client(openai.OpenAI, CHAT)
            create = cache.memoise(client.chat.completions.create, name="create")
            for _ in range(3):
                found = create(model="m", messages=[{"role": "user", "content": "hi"}])
                assert type(found) is ChatCompletion
                assert found.choices[0].message.content == "hello"
