"""A rate limit with aiolimiter: inside of the coroutine, so that only misses use the quota."""

from __future__ import annotations

import asyncio

import httpx
from aiolimiter import AsyncLimiter

from outlive import Cache
from recipes.service import serve

prices = Cache("prices.json")


async def ask_all(url: str) -> None:
    """Ask for ten prices a hundred times."""
    limiter, used = AsyncLimiter(50, 1), 0
    async with httpx.AsyncClient() as client:

        @prices.memoise(name="price")
        async def price(item: str) -> int:
            nonlocal used
            async with limiter:
                used += 1
                response = await client.get(f"{url}/price/{item}")
                return int(response.json()["price"])

        items = [f"item {n % 10}" for n in range(100)]
        total = sum([p async for p in price.amap(items, workers=20)])
        print(f"{total} in 100 calls, {used} of the quota")


if __name__ == "__main__":
    with serve() as service:
        asyncio.run(ask_all(service.url))
