"""Streams of `async def` generators: recorded, replayed and joined, in asyncio and trio."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from outlive import Cache
from support.threads import STUCK

ALL = [["a 0"], ["a 1"], ["a 2"]]


class Source:
    """An asynchronous generator function that counts how often it is begun and closed."""

    def __init__(self, pause: Callable[[], Any]) -> None:
        """Await ``pause()`` before each piece."""
        self.pause, self.begun, self.closed = pause, 0, 0

    def stream(self, cache: Cache, **options: Any) -> Any:
        """Memoise it."""

        @cache.memoise(name="f", **options)
        async def f(prompt: str) -> AsyncIterator[list[str]]:
            self.begun += 1
            try:
                for n in range(3):
                    await self.pause()
                    yield [f"{prompt} {n}"]
            finally:
                self.closed += 1

        return f


async def drained(stream: Any) -> list[Any]:
    """All pieces of a stream."""
    return [piece async for piece in stream]


@pytest.mark.parametrize("library", [asyncio, trio])
def test_recorded_and_replayed(library: Any) -> None:
    """A stream that was consumed to its end is replayed; one that was left early is not kept."""

    async def main() -> None:
        cache, source = Cache(None), Source(lambda: library.sleep(0))
        f = source.stream(cache)
        assert inspect.isasyncgenfunction(f)
        stream = f("a")
        assert await anext(stream) == ["a 0"]
        await stream.aclose()
        assert (len(cache), source.closed) == (0, 1)
        assert await drained(f("a")) == await drained(f("a")) == ALL
        assert source.begun == 2
        assert await drained(f.refresh("a")) == ALL
        assert source.begun == 3
        assert f.peek("a") == ALL

    asyncio.run(main()) if library is asyncio else trio.run(main)


@pytest.mark.parametrize("library", [asyncio, trio])
def test_second_consumers_join(library: Any) -> None:
    """Tasks that consume one stream at once run its source once, and each gets its own copies."""
    source = Source(lambda: library.sleep(0.001))
    f = source.stream(Cache(None))
    found: list[Any] = []

    async def consume() -> None:
        found.append(await drained(f("a")))
        found[-1][0].append("mine")

    async def main() -> None:
        if library is trio:
            with trio.fail_after(STUCK):
                async with trio.open_nursery() as nursery:
                    for _ in range(4):
                        nursery.start_soon(consume)
        else:
            await asyncio.wait_for(asyncio.gather(*[consume() for _ in range(4)]), STUCK)
        assert await drained(f("a")) == ALL

    asyncio.run(main()) if library is asyncio else trio.run(main)
    assert found == [[["a 0", "mine"], *ALL[1:]]] * 4
    assert (source.begun, source.closed) == (1, 1)


def test_a_cancelled_consumer_costs_the_others_nothing() -> None:
    """If one of two consumers is cancelled, the other one gets everything, and it is kept."""

    async def main() -> None:
        async def consume(gate: asyncio.Event) -> list[Any]:
            pieces = []
            async for piece in f("a"):
                pieces.append(piece)
                gate.set()
            return pieces

        gates = [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(consume(gate)) for gate in gates]
        for gate in gates:
            await asyncio.wait_for(gate.wait(), STUCK)
        tasks[0].cancel()
        assert await asyncio.wait_for(tasks[1], STUCK) == ALL
        with contextlib.suppress(asyncio.CancelledError):
            await tasks[0]
        assert await drained(f("a")) == ALL
        assert len(asyncio.all_tasks()) == 1

    source = Source(lambda: asyncio.sleep(0.01))
    f = source.stream(Cache(None))
    asyncio.run(main())
    assert (source.begun, source.closed) == (1, 1)


def test_the_first_consumer_is_cancelled_in_the_middle_of_a_piece() -> None:
    """Who joins while the first consumer waits for a piece gets everything if that one is cancelled then."""

    async def main() -> None:
        first = asyncio.create_task(drained(f("a")))
        while source.begun == 0:
            await asyncio.sleep(0)
        gate.set()
        while not waits.is_set():
            await asyncio.sleep(0)
        second = asyncio.create_task(drained(f("a")))
        for _ in range(5):
            await asyncio.sleep(0)
        first.cancel()
        gate.set()
        assert await asyncio.wait_for(second, STUCK) == ALL
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await drained(f("a")) == ALL
        assert len(asyncio.all_tasks()) == 1

    async def pause() -> None:
        if source.begun == 1 and gate.is_set():
            gate.clear()
            waits.set()
        await gate.wait()

    gate, waits = asyncio.Event(), asyncio.Event()
    source = Source(pause)
    f = source.stream(Cache(None))
    asyncio.run(main())
    assert source.begun == source.closed


def test_the_only_consumer_is_cancelled() -> None:
    """If the only consumer is cancelled, the source is closed, nothing is kept, and no task is left."""

    async def main() -> None:
        task = asyncio.create_task(drained(f("a")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (source.begun, source.closed, len(cache)) == (1, 1, 0)
        assert len(asyncio.all_tasks()) == 1

    cache, source = Cache(None), Source(lambda: asyncio.sleep(3600))
    f = source.stream(cache)
    asyncio.run(main())


def chunk(text: str) -> bytes:
    """One event of a stream of chat completions."""
    data = f'{{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}'
    return f"data: {data}\n\n".encode()


def test_the_stream_of_an_sdk(tmp_path: Path) -> None:
    """The stream of openai's client is kept and comes back as its own classes."""
    openai = pytest.importorskip("openai")
    from openai.types.chat import ChatCompletionChunk

    requests = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        body = b"".join(map(chunk, ["He", "llo"])) + b"data: [DONE]\n\n"
        return httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})

    async def main() -> None:
        client = openai.AsyncOpenAI(
            api_key="k",
            max_retries=0,
            http_client=httpx.AsyncClient(transport=httpx.MockTransport(respond)),
        )

        async def ask(prompt: str) -> AsyncIterator[Any]:
            stream = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": prompt}], stream=True
            )
            async for piece in stream:
                yield piece

        found = []
        for _ in range(2):
            with Cache(tmp_path / "c.json") as cache:
                memoised = cache.memoise(ask, name="ask", types=ChatCompletionChunk)
                found.append(await drained(memoised("Hi")))
        first, second = found
        assert first == second
        assert [type(piece) for piece in second] == [ChatCompletionChunk] * 2
        assert "".join(piece.choices[0].delta.content for piece in second) == "Hello"

    asyncio.run(main())
    assert len(requests) == 1
