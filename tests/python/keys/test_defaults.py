"""Defaults in keys: sentinels, and containers that change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from outlive import Cache
from support.programs import Scripts

MISSING = object()


def test_a_bare_object_as_default_has_a_key() -> None:
    """A default that only says "not given" is the word ``default``, and no other value is."""

    @Cache(None).memoise
    def get(uri: str, timeout: object = MISSING, name: Any = ...) -> str:
        return uri

    assert get("/x") == get("/x", MISSING) == get("/x", timeout=MISSING)
    assert get.cache_info().misses == 1
    assert "timeout=default" in get.cache_key("/x")
    assert get.cache_key("/x") != get.cache_key("/x", "default")


def test_a_container_as_default_is_looked_at_in_each_call() -> None:
    """A call that changes a mutable default is no hit for the next one."""

    @Cache(None).memoise
    def count(seen: list[None] = []) -> int:  # noqa: B006 - that is the point
        seen.append(None)
        return len(seen) - 1

    assert [count(), count()] == [0, 1]


def test_a_changed_default_leaves_no_wrong_result(tmp_path: Path) -> None:
    """A result computed with a changed default does not serve the old default in a later run."""
    program = """
        import sys
        from outlive import Cache
        CONFIG = {"lang": "en"}
        @Cache("c.json").memoise(name="greet")
        def greet(who, config=CONFIG):
            return ("hello " if config["lang"] == "en" else "hallo ") + who
        if sys.argv[1] == "change":
            greet("x")
            CONFIG["lang"] = "de"
        print(greet("y"))
    """
    run = Scripts(tmp_path)
    said = [run.output(program, word) for word in ("change", "", "change")]
    assert said == ["hallo y\n", "hello y\n", "hallo y\n"]


class Requester:
    """Answers whatever it is asked for, as clients with ``__getattr__`` do."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return lambda: name


def test_an_instance_is_never_asked_for_its_key() -> None:
    """``__memo_key__`` is looked up on the class: a ``__getattr__`` may make a request."""
    client = Requester()
    try:
        Cache(None).memoise(lambda client: None)(client)
    except TypeError as error:
        assert "__memo_key__" in str(error)
    assert client.asked == []
