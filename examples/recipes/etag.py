"""ETag: an expired result is asked for with `If-None-Match`, and a 304 makes it fresh again.

`outlive.previous()` is the expired result that the call is to replace.
"""

from __future__ import annotations

import httpx

import outlive
from outlive import Cache
from recipes.service import serve

now = [0.0]
pages = Cache("news.json", clock=lambda: now[0])
client = httpx.Client()


@pages.memoise(ttl="10m", ignore=("url",))
def news(url: str) -> dict[str, str]:
    """Ask for the news, if they changed."""
    old = outlive.previous()
    response = client.get(f"{url}/news", headers={"If-None-Match": old["etag"]} if old else {})
    if response.status_code == 304:
        return dict(old)
    return {"text": response.text, "etag": response.headers["ETag"]}


def main() -> None:
    """Ask for the news every ten minutes."""
    with serve() as service:
        for text in ("rain", "rain", "sun"):
            service.news = text
            print(news(service.url)["text"], news(service.url)["text"])
            now[0] += 601
        print(f"{service.calls['news']} requests, {service.calls['not modified']} not modified")


if __name__ == "__main__":
    main()
