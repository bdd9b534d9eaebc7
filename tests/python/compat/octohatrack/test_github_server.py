"""The stand-in for GitHub answers as GitHub does: otherwise the other tests would show nothing."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from support.github import EMPTY, PLAIN, SMALL, TroubledGitHub, bad_gateway, hang_up

#: 105 comments.
LONG = f"/repos/{SMALL}/issues/3/comments"


def ask(github: TroubledGitHub, target: str) -> requests.Response:
    """Send a GET."""
    return requests.get(github.url + target, timeout=60, proxies={"http": ""})


def items(github: TroubledGitHub, target: str) -> list[Any]:
    """Collect all pages."""
    listing: list[Any] = ask(github, target).json()
    return listing


@pytest.mark.parametrize(("query", "numbers"), [
    ("", (1, 30)),
    ("?page=2", (31, 60)),
    ("?page=4", (91, 105)),
    ("?per_page=100", (1, 100)),
    ("?per_page=1000", (1, 100)),
    ("?page=2&per_page=100", (101, 105)),
    ("?page=0&per_page=x", (1, 30)),
])  # fmt: skip
def test_pages(github: TroubledGitHub, query: str, numbers: tuple[int, int]) -> None:
    """A listing comes in pages of 30, or of as many as `per_page` asks for, 100 at the most."""
    first, last = numbers
    assert [each["id"] for each in items(github, LONG + query)] == list(range(first, last + 1))


def test_a_page_behind_the_last_is_empty(github: TroubledGitHub) -> None:
    """A client that counts pages stops at the first empty one."""
    assert items(github, LONG + "?page=5") == []


def test_links_lead_through_all_pages(github: TroubledGitHub) -> None:
    """A client that follows `rel="next"` gets every item once, and keeps the rest of its query."""
    numbers, target = [], LONG + "?per_page=50&state=all"
    while target:
        answer = ask(github, target)
        numbers += [each["id"] for each in answer.json()]
        target = answer.links.get("next", {}).get("url", "").removeprefix("https://api.github.com")
        assert not target or "state=all" in target
    assert numbers == list(range(1, 106))


def test_links_name_their_neighbours(github: TroubledGitHub) -> None:
    """A page in the middle links to four others, a listing of one page to none."""
    assert set(ask(github, LONG + "?page=2").links) == {"prev", "next", "last", "first"}
    assert "link" not in ask(github, f"/repos/{SMALL}/issues/1/comments").headers


def test_newest_first(github: TroubledGitHub) -> None:
    """The issues begin with the one of the highest number and count the pull requests among them."""
    issues, pulls = [
        items(github, f"/repos/{SMALL}/{kind}?state=all") for kind in ("issues", "pulls")
    ]
    assert [each["number"] for each in issues] == [7, 6, 5, 4, 3, 2, 1]
    assert [each["number"] for each in issues if "pull_request" in each] == [
        each["number"] for each in pulls
    ]


@pytest.mark.parametrize("target", [
    "/repos/demo/none",
    "/users/renamed",
    "/users/Wiki Only 📖",
    f"/repos/{SMALL}/pulls/1",
    f"/repos/{SMALL}/pulls/1/comments",
    f"/repos/{PLAIN}/contents/CONTRIBUTORS",
])  # fmt: skip
def test_not_found(github: TroubledGitHub, target: str) -> None:
    """What is not there answers 404 in JSON, with the headers of every other answer."""
    answer = ask(github, target)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    assert "x-ratelimit-remaining" in answer.headers
    assert github.calls == [target]


@pytest.mark.parametrize("listing", ["contributors", "issues", "pulls"])
def test_an_empty_repository(github: TroubledGitHub, listing: str) -> None:
    """A repository in which nothing has happened has empty lists."""
    assert items(github, f"/repos/{EMPTY}/{listing}") == []


def test_people(github: TroubledGitHub) -> None:
    """A user has a name in any script or none; a comment of a deleted account has no user."""
    assert ask(github, "/users/emil").json()["name"] == "Emil 🚀 Ünal"
    assert ask(github, "/users/gus").json()["name"] is None
    assert items(github, f"/repos/{SMALL}/issues/6/comments")[0]["user"] is None


def test_a_file(github: TroubledGitHub) -> None:
    """The content of a file comes in Base64."""
    file = ask(github, f"/repos/{SMALL}/contents/CONTRIBUTORS").json()
    assert base64.b64decode(file["content"]).startswith(b"# Thanks\n")


def test_rate_limit(github: TroubledGitHub) -> None:
    """Each call takes one from the limit; at none left the answer is a 403 that says so, until the window ends."""
    github.new_window(2)
    answers = [ask(github, f"/repos/{SMALL}") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 403, 403]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["1", "0", "0", "0"]
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {"2"}
    assert int(answers[0].headers["x-ratelimit-reset"]) > time.time()
    assert answers[2].json()["message"].startswith("API rate limit exceeded for ")
    assert answers[2].json()["documentation_url"].startswith("https://docs.github.com/")
    github.new_window(1)
    assert ask(github, f"/repos/{SMALL}").status_code == 200


def test_the_limit_holds_for_all_connections_together(github: TroubledGitHub) -> None:
    """Callers at the same time share one limit, and none of their calls is lost from the count."""
    github.new_window(50)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: ask(github, "/users/ada").status_code, range(80)))
    assert (codes.count(200), codes.count(403), len(github.calls)) == (50, 30, 80)


def test_troubles_on_order(github: TroubledGitHub) -> None:
    """A call can be answered by a broken proxy or not at all; the next one is served again."""
    github.troubles |= {1: bad_gateway, 2: hang_up}
    answer = ask(github, "/users/ada")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    with pytest.raises(requests.ConnectionError):
        ask(github, "/users/ada")
    assert ask(github, "/users/ada").status_code == 200
    assert github.calls == ["/users/ada"] * 3


def test_calls_are_logged_as_they_were_meant(github: TroubledGitHub) -> None:
    """The log of calls has each with its query and without percent signs; pages of github.com are not in it."""
    ask(github, "/users/Wiki%20Only%20%F0%9F%93%96?page=1")
    assert "Clone this wiki locally" in ask(github, f"/github.com/{SMALL}/wiki").text
    assert github.calls == ["/users/Wiki Only 📖?page=1"]
