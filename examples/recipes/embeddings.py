"""Embeddings in batches: only the texts that are new are sent, a hundred in one request."""

from __future__ import annotations

import httpx

from outlive import Cache
from recipes.service import serve

vectors = Cache("vectors.json")
client = httpx.Client()


@vectors.memoise(each="texts", batch=100, ignore=("url",))
def embed(url: str, texts: list[str]) -> list[list[float]]:
    """Ask for the vectors of texts."""
    response = client.post(f"{url}/embed", json={"texts": texts})
    response.raise_for_status()
    return [list(vector) for vector in response.json()]


def main() -> None:
    """Embed a corpus, and then a larger one."""
    with serve() as service:
        for size in (250, 300):
            corpus = [f"text {n}" for n in range(size)]
            found = embed(service.url, corpus)
            print(f"{len(found)} vectors, {service.calls['embed']} requests")


if __name__ == "__main__":
    main()
