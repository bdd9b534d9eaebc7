"""Flask: a view that calls a memoised function, and one that purges what it keeps."""

from __future__ import annotations

from flask import Flask

from outlive import Cache

app = Flask(__name__)
cache = Cache("prices.json", ttl="1h")
asked: list[str] = []


@cache.memoise
def look_up(item: str) -> dict[str, str | int]:
    """Ask the slow service."""
    asked.append(item)
    return {"item": item, "price": len(item)}


@app.get("/price/<item>")
def price(item: str) -> dict[str, str | int]:
    """Give a price."""
    return look_up(item)


@app.delete("/price/<item>")
def purge(item: str) -> dict[str, int]:
    """Forget what is kept of an item."""
    return {"forgotten": look_up.forget_where(item=item)}


def main() -> None:
    """Ask, ask again, purge, ask."""
    client = app.test_client()
    for _ in range(2):
        print(client.get("/price/tea").json, len(asked))
    print(client.delete("/price/tea").json)
    print(client.get("/price/tea").json, len(asked))


if __name__ == "__main__":
    main()
