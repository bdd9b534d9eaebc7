"""A scraper with httpx: pages are fetched once, however often it is run, stopped or changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx

from outlive import Cache
from recipes.service import PAGES, serve

pages = Cache("pages.json")


async def scrape(url: str) -> list[str]:
    """Return the titles of all pages."""
    async with httpx.AsyncClient(base_url=url) as client:

        @pages.memoise(name="fetch", ttl="7d", cache_if=bool)
        async def fetch(path: str) -> str:
            response = await client.get(path)
            response.raise_for_status()
            return response.text

        async def linked() -> AsyncIterator[str]:
            """The pages by their links: each must be read to know the next."""
            path: str | None = "/page/1"
            while path:
                yield path
                found = re.search('href="([^"]+)"', await fetch(path))
                path = found[1] if found else None

        texts = [text async for text in fetch.amap(linked(), workers=10)]
        return [title for text in texts for title in re.findall("<title>(.*?)</title>", text)]


def main() -> None:
    """Scrape twice."""
    with serve() as service:
        for _ in range(2):
            titles = asyncio.run(scrape(service.url))
            print(f"{len(titles)} of {PAGES} pages, {service.calls['page']} requests")


if __name__ == "__main__":
    main()
