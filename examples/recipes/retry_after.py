"""`Retry-After`: who was told to come back in a minute is not asked again before.

`cache_errors=` keeps the refusal for as long as the service said, also for later runs: calls within
the minute raise at once, and cost nothing.
"""

from __future__ import annotations

import httpx

from outlive import Cache
from recipes.service import serve

client = httpx.Client()


class TooManyError(Exception):
    """The service said when to come back."""

    def __init__(self, seconds: float) -> None:
        """Come back in so many seconds."""
        super().__init__(seconds)
        self.seconds = seconds


prices = Cache("prices.json", cache_errors={TooManyError: lambda error: error.seconds})


@prices.memoise(ignore=("url",))
def price(url: str, item: str) -> int:
    """Ask for a price."""
    response = client.get(f"{url}/price/{item}")
    if response.status_code == 429:
        raise TooManyError(float(response.headers["Retry-After"]))
    return int(response.json()["price"])


def main() -> None:
    """Ask for three prices where two are allowed, and insist."""
    with serve() as service:
        service.limit = 2
        for item in ("tea", "milk", "rum", "rum", "rum", "tea"):
            try:
                print(item, price(service.url, item))
            except TooManyError as refusal:
                print(item, f"come back in {refusal.seconds:.0f} s")
        print(f"{service.calls['price']} requests")


if __name__ == "__main__":
    main()
