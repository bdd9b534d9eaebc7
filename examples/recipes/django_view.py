"""Django: a view that calls a memoised function. Management commands and workers share the file.

Django's own cache framework is for what may be lost: sessions, fragments. This is for what was paid
for. Keys are plain values: give a model's id to the function, not the instance.
"""

from __future__ import annotations

import json
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import path

from outlive import Cache

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="a recipe")
cache = Cache("prices.json", ttl="1h")
asked: list[str] = []


@cache.memoise
def look_up(item: str) -> dict[str, str | int]:
    """Ask the slow service."""
    asked.append(item)
    return {"item": item, "price": len(item)}


def price(_request: HttpRequest, item: str) -> JsonResponse:
    """Give a price; POST asks for it anew."""
    anew = _request.method == "POST"
    return JsonResponse(look_up.refresh(item) if anew else look_up(item))


urlpatterns = [path("price/<str:item>", price)]


def main() -> None:
    """Ask, ask again, ask anew."""
    django.setup()
    client: Any = Client()
    for _ in range(2):
        print(json.loads(client.get("/price/tea").content), len(asked))
    print(json.loads(client.post("/price/tea").content), len(asked))


if __name__ == "__main__":
    main()
