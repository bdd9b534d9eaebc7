"""Streams take nothing by send()."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from outlive import Cache


def test_nothing_is_sent_to_a_stream() -> None:
    """A sent value would be lost silently, in a replay and in a recording, so it is refused."""

    @Cache(None).memoise
    def f() -> Generator[Any, Any, None]:
        got = yield 1
        yield got

    for _ in range(2):
        stream = f()
        assert next(stream) == 1
        with pytest.raises(TypeError, match="takes nothing by send"):
            stream.send(5)
        assert list(f()) == [1, None]


async def _sent_to(stream: Any) -> None:
    assert await anext(stream) == 1
    with pytest.raises(TypeError, match="takes nothing by send"):
        await stream.asend(5)


def test_nothing_is_sent_to_an_asynchronous_stream() -> None:
    """The same holds for async generators, while they are recorded and when they are replayed."""

    @Cache(None).memoise
    async def f() -> AsyncGenerator[Any, Any]:
        got = yield 1
        yield got

    async def main() -> None:
        await _sent_to(f())
        assert [piece async for piece in f()] == [1, None]
        await _sent_to(f())

    asyncio.run(main())
