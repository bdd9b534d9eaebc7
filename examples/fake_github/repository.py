"""A repository in a few words, and the answers of the REST API that follow from it."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Whatever `json` reads: objects, lists, strings, numbers, true, false, null.
Json = Any


@dataclass(frozen=True)
class Thread:
    """An issue or a pull request with its comments; people are logins, None if deleted."""

    author: str | None
    title: str
    is_pull: bool = False
    comments: tuple[str | None, ...] = ()
    #: Comments on the lines of a pull request; an issue has none.
    reviews: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Repository:
    """What happened in one repository; threads are numbered from 1 in their order."""

    name: str
    contributors: tuple[str, ...] = ()
    threads: tuple[Thread, ...] = ()
    #: Login -> display name, or None for somebody who gave none. Any other login answers 404.
    people: Mapping[str, str | None] = field(default_factory=dict)
    #: Path -> text of the files that can be read.
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Repository:
        """Reads a repository from a JSON file whose members have the names of the fields."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        threads = tuple(_thread(each) for each in raw.pop("threads"))
        return cls(contributors=tuple(raw.pop("contributors")), threads=threads, **raw)


def answers_of(*repositories: Repository) -> dict[str, Json]:
    """Path -> answer of the REST API for all that the repositories hold; the rest is a 404."""
    answers: dict[str, Json] = {}
    for repository in repositories:
        answers.update(_repository(repository))
        for number, thread in enumerate(repository.threads, start=1):
            answers.update(_thread_answers(repository, number, thread))
    return answers


def _thread(raw: dict[str, Json]) -> Thread:
    """JSON has lists only, and leaves out what is empty."""
    fields: Json = {
        name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
    }
    return Thread(**fields)


def _repository(repository: Repository) -> dict[str, Json]:
    base = f"/repos/{repository.name}"
    # The listings have the newest first, as GitHub's default order.
    numbered = list(enumerate(repository.threads, start=1))[::-1]
    return {
        base: {"full_name": repository.name, "private": False, "has_wiki": True},
        f"{base}/contributors": [
            _account(login) | {"contributions": 1} for login in repository.contributors
        ],
        f"{base}/issues": [_issue(repository, number, thread) for number, thread in numbered],
        f"{base}/pulls": [
            _pull(repository, number, thread) for number, thread in numbered if thread.is_pull
        ],
        **{f"{base}/contents/{path}": _file(path, text) for path, text in repository.files.items()},
        **{
            f"/users/{login}": _account(login) | {"name": name}
            for login, name in repository.people.items()
        },
    }


def _thread_answers(repository: Repository, number: int, thread: Thread) -> dict[str, Json]:
    base = f"/repos/{repository.name}"
    answers: dict[str, Json] = {
        f"{base}/issues/{number}": _issue(repository, number, thread),
        f"{base}/issues/{number}/comments": _comments(thread.comments),
    }
    if thread.is_pull:
        answers[f"{base}/pulls/{number}"] = _pull(repository, number, thread)
        answers[f"{base}/pulls/{number}/comments"] = _comments(thread.reviews)
    return answers


def _account(login: str) -> dict[str, Json]:
    number = zlib.crc32(login.encode())
    picture = f"https://avatars.githubusercontent.com/u/{number}?v=4"
    return {"login": login, "id": number, "avatar_url": picture, "type": "User"}


def _user(login: str | None) -> dict[str, Json] | None:
    return None if login is None else _account(login)


def _pull(repository: Repository, number: int, thread: Thread) -> dict[str, Json]:
    url = f"https://api.github.com/repos/{repository.name}/pulls/{number}"
    return {
        "number": number,
        "title": thread.title,
        "state": "open",
        "url": url,
        "user": _user(thread.author),
    }


def _issue(repository: Repository, number: int, thread: Thread) -> dict[str, Json]:
    """GitHub lists a pull request among the issues too, marked by a member of its own."""
    pull = _pull(repository, number, thread)
    mark = {"pull_request": {"url": pull["url"]}} if thread.is_pull else {}
    return (
        pull
        | {"comments": len(thread.comments), "url": pull["url"].replace("/pulls/", "/issues/")}
        | mark
    )


def _comments(logins: Iterable[str | None]) -> list[Json]:
    return [
        {"id": index, "body": f"Comment {index}: it works. \U0001f44d", "user": _user(login)}
        for index, login in enumerate(logins, start=1)
    ]


def _file(path: str, text: str) -> dict[str, Json]:
    content = base64.encodebytes(text.encode()).decode()
    return {"path": path, "type": "file", "encoding": "base64", "content": content}
