"""secret=: arguments that are part of the key and never in a file."""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.files import results
from support.programs import run

TOKEN = "hunter2-\u00fc-token"


class Client:
    """Has an instance without a key."""

    def __init__(self, token: object) -> None:
        self.token = token

    def get(self, uri: str) -> str:
        """Return what there is."""
        return uri


def everything_in(folder: Path) -> bytes:
    """Return the bytes of all files, the journal's too."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def fetcher(cache: Cache, **options: Any) -> Any:
    """Return a function with a secret, and the list of its calls."""
    calls: list[str] = []

    @cache.memoise(secret=("token", "more"), **options)
    def fetch(uri: str, token: str | None = None, **more: str) -> str:
        calls.append(uri)
        return uri

    fetch.calls = calls  # type: ignore[attr-defined]
    return fetch


def test_a_secret_stands_in_no_file(tmp_path: Path) -> None:
    """Neither the journal nor the file holds the secret, nor anything readable of it."""
    cache = Cache(tmp_path / "c.json")
    fetch = fetcher(cache)
    fetch("a", TOKEN, password=TOKEN)
    for moment in ("journal", "file"):
        held = everything_in(tmp_path)
        assert b"secret(" in held, moment
        for form in (TOKEN.encode(), TOKEN.encode("utf-16-le"), json.dumps(TOKEN).encode()[1:-1]):
            assert form not in held, moment
        assert b"hunter2" not in held, moment
        cache.close()


@pytest.mark.filterwarnings("ignore:two functions are named")  # as after a restart
def test_a_secret_takes_part_in_the_key(tmp_path: Path) -> None:
    """Calls with other secrets are other calls, and equal ones are hits, also after a restart."""
    for calls in (["a", "a", "a"], []):
        with Cache(tmp_path / "c.json") as cache:
            fetch = fetcher(cache)
            for token in ("one", "two", "one", None):
                fetch("a", token)
            assert fetch.calls == calls


def test_the_salt_is_seen_in_no_view(tmp_path: Path) -> None:
    """The salt is no entry of the mapping, and cannot be read or set."""
    cache = Cache(tmp_path / "c.json")
    fetcher(cache)("a", TOKEN)
    cache.close()
    assert "salt" in json.loads((tmp_path / "c.json").read_bytes())["outlive"]
    assert len(cache) == len(list(cache)) == len(dict(cache)) == 1
    assert "outlive:meta" not in cache
    with pytest.raises(KeyError):
        cache["outlive:meta"]
    with pytest.raises(ValueError, match="reserved"):
        cache["outlive:meta"] = {"version": 1, "salt": "mine"}


def test_every_file_has_a_salt_of_its_own(tmp_path: Path) -> None:
    """The digest of a secret in one file says nothing about another file."""
    keys = {fetcher(Cache(tmp_path / name)).cache_key("a", TOKEN) for name in ("a", "b")}
    keys |= {fetcher(Cache(None)).cache_key("a", TOKEN) for _ in range(2)}
    assert len(keys) == 4


def test_a_file_without_secrets_has_no_salt(tmp_path: Path) -> None:
    """The salt is made when the first secret comes."""
    with Cache(tmp_path / "c.json") as cache:
        cache.memoise(name="f")(lambda x: x)(1)
    assert results(tmp_path / "c.json") == {"f(x=1)": 1}
    assert "salt" not in (tmp_path / "c.json").read_text()


def test_secrets_are_told_apart_by_parameter_and_function() -> None:
    """The same secret has another digest in another parameter or function."""
    cache = Cache(None)
    digests = [
        re.findall(
            r"secret\((\w+)\)",
            cache.memoise(name=name, secret=("x", "y"))(lambda x, y: None).cache_key(TOKEN, TOKEN),
        )
        for name in ("f", "g")
    ]
    assert len({digest for pair in digests for digest in pair}) == 4


def test_a_secret_default_is_digested_too(tmp_path: Path) -> None:
    """A secret default of a parameter is not written either."""
    cache = Cache(tmp_path / "c.json")
    function = cache.memoise(secret=("token",))(lambda uri, token=TOKEN: uri)
    assert function.cache_key("a") == function.cache_key("a", TOKEN)
    function("a")
    assert b"hunter2" not in everything_in(tmp_path)


def called(uri: str, token: str, *rest: str, session: object = None, **more: str) -> str:
    """Take a secret, for functions that bind it."""
    return uri


@pytest.mark.parametrize("options", [{}, {"name": "fetch"}])
def test_a_bound_secret_is_digested_too(tmp_path: Path, options: dict[str, Any]) -> None:
    """A partial that binds a secret by its name is a call with that secret."""
    with Cache(tmp_path / "c.json") as cache:
        keys = set()
        for token in (TOKEN, "another"):
            bound = functools.partial(functools.partial(called, token=token), session=object())
            f = cache.memoise(bound, secret=("token",), ignore=("session",), **options)
            f("a")
            keys.add(f.cache_key("a"))
        assert len(keys) == len(cache) == 2
    assert b"hunter2" not in everything_in(tmp_path)


@pytest.mark.parametrize(
    ("bound", "secret"),
    [
        (functools.partial(called, "a", TOKEN), "token"),
        (functools.partial(called, "a", "b", TOKEN), "rest"),
        (functools.partial(called, "a", "b", other=TOKEN), "more"),
        (Client(TOKEN).get, "self"),
    ],
    ids=["by position", "in *rest", "in **more", "an instance"],
)
def test_a_secret_that_the_key_would_show_is_refused(bound: Any, secret: str) -> None:
    """What a function hides from its signature cannot be a secret."""
    with pytest.raises(TypeError, match=f"secret= names '{secret}', which the function binds"):
        Cache(None).memoise(bound, secret=(secret,))


@pytest.mark.parametrize(
    ("bind", "ignored"),
    [
        (lambda x: functools.partial(called, x, "b"), "uri"),
        (lambda x: functools.partial(called, "a", session=x), "session"),
        (lambda x: functools.partial(called, "a", "b", "c", x), "rest"),
        (lambda x: functools.partial(called, "a", "b", other=x), "more"),
        (lambda x: Client(x).get, "self"),
    ],
    ids=["by position", "by name", "in *rest", "in **more", "an instance"],
)
def test_what_is_bound_can_be_left_out(bind: Any, ignored: str) -> None:
    """``ignore=`` holds for what a partial or a bound method binds."""
    cache = Cache(None)
    keys = {cache.memoise(bind(x), ignore=(ignored,)).cache_key("b") for x in (object(), "x")}
    assert len(keys) == 1


def test_the_drop_in_has_secrets_as_well(tmp_path: Path) -> None:
    """In the drop-in's flat file a secret first argument is a digest."""
    cache = DropInCache(tmp_path / "c.json")
    cache.memoise(secret=("token",))(lambda token: 1)(TOKEN)
    cache.close()
    assert b"hunter2" not in everything_in(tmp_path)
    assert re.fullmatch(r"outlive:\(secret\(\w{32}\)\)", *cache)


def test_clearing_everything_makes_a_new_salt(tmp_path: Path) -> None:
    """After clear() nothing in the file reveals the former secrets, not even the salt."""
    cache = Cache(tmp_path / "c.json")
    fetch = fetcher(cache)
    fetch("a", TOKEN)
    before = fetch.cache_key("a", TOKEN)
    cache.clear()
    after = fetch.cache_key("a", TOKEN)
    fetch("a", TOKEN)
    cache.close()
    assert before != after
    assert fetch.cache_key("a", TOKEN) == after
    assert before.encode() not in everything_in(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_all_processes_use_one_salt(tmp_path: Path) -> None:
    """Processes that need a salt at the same moment agree on one: nothing is computed twice."""
    program = """
        import os, time
        from outlive import Cache
        children = []
        ready, go = os.pipe()
        for _ in range(6):
            pid = os.fork()
            if pid == 0:
                os.close(go)
                os.read(ready, 1)
                f = Cache("c.json").memoise(secret=("token",), name="f")(lambda token: os.getpid())
                os.write(1, b"%d\\n" % f("secret"))
                os._exit(0)
            children.append(pid)
        os.close(go)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
    """
    for name in ("one", "two", "three"):
        folder = tmp_path / name
        folder.mkdir()
        answers = run(folder, program).split()
        assert len(answers) == 6
        assert len(set(answers)) == 1


def test_a_file_that_may_not_be_written_gets_no_salt(tmp_path: Path) -> None:
    """In mode "readonly" secrets work in this process, and the file stays as it is."""
    path = tmp_path / "c.json"
    path.write_text('{"a": 1}')
    with Cache(path, mode="readonly") as cache:
        fetch = fetcher(cache)
        assert fetch("a", TOKEN) == fetch("a", TOKEN) == "a"
        assert fetch.calls == ["a"]
    assert path.read_text() == '{"a": 1}'
    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]


@pytest.mark.parametrize("option", ["secret", "ignore"])
def test_wrong_names_of_parameters_are_refused(option: str) -> None:
    """A name that is no parameter is refused with those that are; so is a bare text."""
    cache: Any = Cache(None)
    with pytest.raises(TypeError, match=rf"{option}=.*'tokn'.*uri, token"):
        cache.memoise(**{option: ("tokn",)})(lambda uri, token: None)
    with pytest.raises(TypeError, match=rf"{option}=\('token',\)"):
        cache.memoise(**{option: "token"})(lambda uri, token: None)
    with pytest.raises(TypeError, match=rf"{option}="):
        cache.memoise(**{option: 5})(lambda uri, token: None)
    with pytest.raises(TypeError, match=rf"{option}="):
        cache.memoise(**{option: (5,)})(lambda uri, token: None)


def test_a_parameter_is_either_ignored_or_secret() -> None:
    """Naming one parameter in both is refused."""
    with pytest.raises(TypeError, match=r"token.*both"):
        Cache(None).memoise(ignore=("token",), secret=("token",))(lambda uri, token: None)
