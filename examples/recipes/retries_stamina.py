"""Retries with stamina: memoise outside, retry inside.

The other way round every hit would go through the retries, and a call that failed three times would
be asked for three times by each of those who wait for it. Inside, the attempts are one computation:
who asks for the same meanwhile waits for its outcome, and only the result is kept.
"""

from __future__ import annotations

import httpx
import stamina

from outlive import Cache
from recipes.service import serve

prices = Cache("prices.json")
client = httpx.Client()


@prices.memoise(ignore=("url",))
@stamina.retry(on=httpx.HTTPError, attempts=5, wait_initial=0.01, wait_jitter=0.01)
def price(url: str, item: str) -> int:
    """Ask for a price."""
    response = client.get(f"{url}/price/{item}")
    response.raise_for_status()
    return int(response.json()["price"])


def main() -> None:
    """Ask twice, while the first two attempts fail."""
    with serve() as service:
        service.troubles = 2
        print(price(service.url, "tea"), price(service.url, "tea"))
        print(f"{service.calls['price']} attempts, {price.cache_info().misses} call")


if __name__ == "__main__":
    main()
