"""Lists come in pages: `?page=2&per_page=30`, with the way on in the `link` header."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fake_github.repository import Json

DEFAULT_PER_PAGE = 30
MOST_PER_PAGE = 100


def page_of(
    items: list[Json], url: str, params: Mapping[str, str]
) -> tuple[list[Json], dict[str, str]]:
    """The page of `items` that `params` ask for, and the headers that lead to the others."""
    size = min(_number(params, "per_page", DEFAULT_PER_PAGE), MOST_PER_PAGE)
    page, last = _number(params, "page", 1), max(1, -(-len(items) // size))
    there = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = {"prev": page > 1, "next": page < last, "last": page < last, "first": page > 1}
    links = [
        f'<{url}?{urlencode({**params, "page": number})}>; rel="{rel}"'
        for rel, number in there.items()
        if wanted[rel]
    ]
    return items[(page - 1) * size : page * size], ({"link": ", ".join(links)} if links else {})


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    """GitHub takes the default for anything that is no positive number."""
    text = params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default
