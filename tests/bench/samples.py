"""Results of the size that web APIs return."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any


def issue(number: int = 1) -> dict[str, Any]:
    """An issue of a tracker as its API returns it: about 1.7 KB of JSON, three levels deep."""
    home = "https://api.example.org/repos/outlive-cache/outlive"
    here = f"{home}/issues/{number}"
    user = {
        "login": f"contributor-{number}",
        "id": 583_231 + number,
        "avatar_url": f"https://avatars.example.org/u/{583_231 + number}?v=4",
        "url": f"https://api.example.org/users/contributor-{number}",
        "followers_url": f"https://api.example.org/users/contributor-{number}/followers",
        "type": "User",
        "site_admin": False,
    }
    labels = [
        {"id": 208_045_946 + n, "name": name, "color": "f29513", "default": n == 0}
        for n, name in enumerate(["bug", "needs decision", "good first issue"])
    ]
    return {
        "id": 1_000_000 + number,
        "url": here,
        "repository_url": home,
        "comments_url": f"{here}/comments",
        "events_url": f"{here}/events",
        "number": number,
        "title": "The cache grows with every run although nothing new was asked for",
        "user": user,
        "labels": labels,
        "state": "open",
        "locked": False,
        "assignee": None,
        "assignees": [user | {"id": 7}],
        "comments": 12,
        "score": 0.87 + number / 1024,
        "created_at": "2026-04-10T20:09:31Z",
        "updated_at": "2026-11-02T07:41:05Z",
        "closed_at": None,
        "author_association": "CONTRIBUTOR",
        "reactions": {"+1": 3, "-1": 0, "laugh": 1, "heart": 2, "total_count": 6},
        "body": "Steps to reproduce: call it twice, look at the file. " * 4,
    }


def page() -> list[dict[str, Any]]:
    """A page of a hundred issues: about 170 KB of JSON."""
    return [issue(number) for number in range(100)]


#: What a server would send.
ISSUE_TEXT = json.dumps(issue())


def answer(uri: str) -> Any:
    """A result of 2 KB that is a new object each time, as any real one is."""
    return json.loads(ISSUE_TEXT)


def fresh(start: int = 0) -> Callable[[int], Sequence[str]]:
    """Keys that nobody has asked for before, numbered from ``start``."""
    numbers = itertools.count(start)
    return lambda n: [f"https://api.example.org/fresh/{next(numbers)}" for _ in range(n)]
