"""What octohatrack of 2016 finds no more, or must not find here.

The same for both decorators: nothing in this file has to do with memoising.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, distribution
from types import ModuleType, SimpleNamespace
from typing import Any

import requests


def install(server: str) -> None:
    """Makes octohatrack importable, and leads it to `server` instead of GitHub."""
    # Gone since Python 3.10.
    collections.Callable = Callable  # type: ignore[attr-defined]
    # Gone since setuptools 81.
    _module("pkg_resources", require=_require)
    # GitPython would clone from github.com.
    _module("git", Repo=_Wiki)
    _redirect(
        {"https://api.github.com/": f"{server}/", "https://github.com/": f"{server}/github.com/"}
    )


def _module(name: str, **content: object) -> None:
    module = ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module


def _require(name: str) -> list[Distribution]:
    return [distribution(name)]


def _redirect(routes: dict[str, str]) -> None:
    """Every request goes to the address in `routes`; for any other there is none."""
    real = requests.Session.request

    def request(self: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
        base = next(base for base in routes if url.startswith(base))
        return real(self, method, routes[base] + url.removeprefix(base), **options)

    requests.Session.request = request  # type: ignore[method-assign, assignment]


class _Wiki:
    """As much of `git.Repo` as the tool uses: who wrote the commits of a wiki."""

    def __init__(self, authors: list[str]) -> None:
        self._authors = authors

    @classmethod
    def clone_from(cls, url: str, _folder: str) -> _Wiki:
        return cls(requests.get(url, timeout=60).json())

    def iter_commits(self, _branch: str) -> Iterator[SimpleNamespace]:
        return (SimpleNamespace(author=author) for author in self._authors)
