"""Retries with tenacity: memoise outside, retry inside; retries_stamina.py says why.

With `reraise=True` those who wait for the same call get the error itself, not a `RetryError`.
"""

from __future__ import annotations

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from outlive import Cache
from recipes.service import serve

prices = Cache("prices.json")
client = httpx.Client()


@prices.memoise(ignore=("url",))
@retry(
    retry=retry_if_exception_type(httpx.HTTPError),
    wait=wait_exponential(0.01),
    stop=stop_after_attempt(5),
    reraise=True,
)
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
