"""A rate limit with pyrate-limiter: inside of the function, so that only misses use it."""

from __future__ import annotations

import httpx
from pyrate_limiter import Duration, Limiter, Rate

from outlive import Cache
from recipes.service import serve

prices = Cache("prices.json")
client = httpx.Client()
limiter = Limiter(Rate(50, Duration.SECOND))
#: How often the quota was used.
used: list[str] = []


@prices.memoise(ignore=("url",))
def price(url: str, item: str) -> int:
    """Ask for a price, as soon as the quota allows it."""
    limiter.try_acquire("price")
    used.append(item)
    return int(client.get(f"{url}/price/{item}").json()["price"])


def main() -> None:
    """Ask for ten prices a hundred times."""
    with serve() as service:
        asked = [(service.url, f"item {n % 10}") for n in range(100)]
        total = sum(price.map(asked, workers=4, star=True))
        print(f"{total} in 100 calls, {len(used)} of the quota")


if __name__ == "__main__":
    main()
