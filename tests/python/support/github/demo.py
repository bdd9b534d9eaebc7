"""The repositories that the tests look at; small, and hard where real ones are."""

from __future__ import annotations

from dataclasses import replace

from fake_github import Repository, Thread, answers_of

#: Nothing in it: all its lists are empty.
EMPTY = "demo/empty"
#: No deleted accounts: the oldest versions of octohatrack end in a TypeError at those.
PLAIN = "demo/plain"
#: Everything: deleted accounts, people without a name, a CONTRIBUTORS file, a wiki.
SMALL = "demo/small"

#: Two of them gave no name; the others' are not all ASCII.
_PEOPLE = {
    "ada": "Ada Lovelace",
    "bo-li": "李博",
    "chidi": None,
    "dora": "Dora Ångström",
    "emil": "Emil 🚀 Ünal",
    "fatima": "فاطمة",
    "gus": None,
    "hana": 'Hana O\'Neil "hn"',
    "ivan": "Иван Ж.",
}

_PLAIN = Repository(
    name=PLAIN,
    contributors=("ada", "bo-li", "chidi"),
    people=_PEOPLE,
    threads=(
        Thread(author="dora", title="Does not start", comments=("ada", "dora", "chidi")),
        Thread(
            author="bo-li",
            title="Start",
            is_pull=True,
            comments=("emil",),
            reviews=("ada", "fatima"),
        ),
        # Long enough for a second page, whether a page holds 30 or 100.
        Thread(author="gus", title="Bikeshed: what colour?", comments=("gus", "hana", "ada") * 35),
        Thread(author="ada", title="Paint it", is_pull=True),
        Thread(author="ivan", title="Merci \U0001f64f"),
    ),
)

_SMALL = replace(
    _PLAIN,
    name=SMALL,
    threads=(
        *_PLAIN.threads,
        Thread(author=None, title="By a deleted account", comments=(None, "dora")),
        # Renamed since: the login in the listing answers 404.
        Thread(author="renamed", title="By a renamed account", is_pull=True, reviews=("ivan",)),
    ),
    files={
        "CONTRIBUTORS": "# Thanks\nJo Penn <jo@example.org>\nKim Ito <twitter:@kim>\nAda Lovelace <github:@ada>\n"
    },
)

_EMPTY = Repository(name=EMPTY)

#: What the REST API answers for all three.
ANSWERS = answers_of(_PLAIN, _SMALL, _EMPTY)

#: Display names of those who wrote the wiki: git knows no logins. One of them is known from elsewhere.
WIKI_AUTHORS = {SMALL: ["Wiki Only 📖", "Dora Ångström"]}
