"""FastAPI: endpoints that call a memoised coroutine, and one that purges what it keeps.

Requests that ask for the same at once are one computation, over all workers of the machine: they
share the file. The endpoint itself is not memoised: its arguments are requests and sessions.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient

from outlive import Cache

app = FastAPI()
cache = Cache("prices.json", ttl="1h")
asked: list[str] = []


@cache.memoise(tags=lambda found: ("price", f"item:{found['item']}"))
async def look_up(item: str, currency: str) -> dict[str, str | int]:
    """Ask the slow service."""
    asked.append(item)
    return {"item": item, "currency": currency, "price": len(item)}


@app.get("/price/{item}")
async def price(item: str, currency: str = "EUR") -> dict[str, str | int]:
    """Give a price."""
    return await look_up(item, currency)


@app.delete("/price/{item}")
def purge(item: str) -> dict[str, int]:
    """Forget what is kept of an item, in every worker."""
    return {"forgotten": cache.forget(tag=f"item:{item}")}


def main() -> None:
    """Ask, ask again, purge, ask."""
    client = TestClient(app)
    for path in ("/price/tea", "/price/tea", "/price/tea?currency=USD"):
        print(client.get(path).json(), len(asked))
    print(client.delete("/price/tea").json())
    print(client.get("/price/tea").json(), len(asked))


if __name__ == "__main__":
    main()
