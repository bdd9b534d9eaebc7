"""Who contributed to a repository? Those who wrote code, and those who reported and reviewed.

    python examples/contributors.py                   a bundled repository, served from here
    python examples/contributors.py --live OWNER/NAME    a real one, from api.github.com

It takes dozens of calls, and the API allows so many an hour. Cut off? Run it again later: one line,
`@memoise`, makes every answer that was ever received last. The answers are in cache_file.json;
delete it to ask afresh.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

import requests

from fake_github import NAME, sample_server
from outlive import memoise

PER_PAGE = 100

session = requests.Session()
#: The calls that this run has really made.
made: list[str] = []


class RateLimitError(Exception):
    """All calls of this hour are used up."""


@memoise
def get(path: str) -> Any:
    """What the API answers to `path`; None where there is nothing."""
    response = session.get(os.environ["GITHUB_API_URL"] + path, timeout=30)
    if response.status_code in (403, 429):
        raise RateLimitError(response.json()["message"])
    made.append(path)
    if response.status_code == 404:
        return None
    response.raise_for_status()
    return response.json()


def get_all(path: str) -> Iterator[Any]:
    """The items of a listing, page after page."""
    page = 1
    while items := get(f"{path}per_page={PER_PAGE}&page={page}"):
        yield from items
        if len(items) < PER_PAGE:
            return
        page += 1


def coders(repository: str) -> set[str]:
    """The logins of those whose commits are in the repository."""
    return {person["login"] for person in get_all(f"/repos/{repository}/contributors?")}


def talkers(repository: str) -> set[str]:
    """The logins of those who opened or commented on an issue or a pull request."""
    said = []
    for issue in get_all(f"/repos/{repository}/issues?state=all&"):
        said.append(issue)
        if issue["comments"]:
            said += get_all(f"/repos/{repository}/issues/{issue['number']}/comments?")
        if "pull_request" in issue:
            said += get_all(f"/repos/{repository}/pulls/{issue['number']}/comments?")
    # A deleted account leaves its comments behind, without a user.
    return {each["user"]["login"] for each in said if each["user"]}


def display_name(login: str) -> str:
    """The name that a user gave, or else the login."""
    user = get(f"/users/{login}")
    return str((user and user["name"]) or login)


def report(repository: str) -> str:
    """Everybody, in two lists."""
    if get(f"/repos/{repository}") is None:
        return f"There is no repository {repository}."
    code = coders(repository)
    talk = talkers(repository) - code
    lists = [sorted(map(display_name, logins), key=str.casefold) for logins in (code, talk)]
    titles = ("Wrote code", "Reported, discussed, reviewed")
    parts = [
        f"{title} ({len(names)}): {', '.join(names)}"
        for title, names in zip(titles, lists, strict=True)
    ]
    return "\n".join([f"{len(code | talk)} people contributed to {repository}.", *parts])


def run(repository: str, api: str) -> int:
    """Prints the report and what it took; returns the exit status."""
    os.environ["GITHUB_API_URL"] = api
    try:
        print(report(repository))
        status = 0
    except RateLimitError as error:
        print(f"{error}\nRun me again when the hour is over: I go on from here.", file=sys.stderr)
        status = 1
    print(f"{len(made)} calls made, {get.cache_info().hits} saved.", file=sys.stderr)
    return status


def main() -> int:
    """Print who contributed, or when to come back."""
    parser = argparse.ArgumentParser(
        description="List everyone who contributed to a GitHub repository."
    )
    parser.add_argument(
        "--live",
        metavar="OWNER/NAME",
        help="ask api.github.com (with GITHUB_TOKEN, if that is set)",
    )
    parser.add_argument(
        "--api", metavar="URL", help="a server that is already running, for the bundled repository"
    )
    options = parser.parse_args()
    if options.live:
        if token := os.environ.get("GITHUB_TOKEN"):
            session.headers["Authorization"] = f"Bearer {token}"
        return run(options.live, "https://api.github.com")
    # What is served on this machine needs no proxy.
    session.trust_env = False
    if options.api:
        return run(NAME, options.api)
    with sample_server() as server:
        return run(NAME, server.url)


if __name__ == "__main__":
    sys.exit(main())
