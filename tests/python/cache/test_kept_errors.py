"""cache_errors=: which exceptions are kept, for how long, and that they come back equal."""

from __future__ import annotations

import email.message
import gc
import io
import json
import os
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from outlive import Cache, OutliveWarning, UnstorableWarning
from support.clock import Clock
from support.programs import untyped

# Each `with` block here stands for a process of its own, which does not know the last one's
# function.
pytestmark = pytest.mark.filterwarnings("ignore:two functions are named")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for a cache file."""
    return tmp_path / "cache.json"


@pytest.fixture
def clock() -> Clock:
    """A time that the test sets."""
    return Clock()


class NotFound(Exception):
    """What the tests keep on purpose."""


def test_listed_exceptions_are_kept(path: Path, clock: Clock) -> None:
    """cache_errors keeps the listed exceptions for their time, also for later processes."""
    calls: list[str] = []

    def run(uri: str, error: Exception) -> str:
        with Cache(path, clock=clock) as cache:

            @cache.memoise(cache_errors={NotFound: "10m"}, name="fetch")
            def fetch(uri: str) -> str:
                calls.append(uri)
                raise error

            with pytest.raises(type(error)) as raised:
                fetch(uri)
            return str(raised.value.args)

    assert run("/a", NotFound("gone", 404)) == "('gone', 404)"
    assert run("/a", NotFound("other")) == "('gone', 404)"
    run("/b", OSError("not listed"))
    run("/b", OSError("not listed"))
    clock.now += 601
    assert run("/a", NotFound("again")) == "('again',)"
    assert calls == ["/a", "/b", "/b", "/a"]


def test_an_error_that_is_no_longer_listed_is_forgotten(path: Path) -> None:
    """A kept exception is only raised by a function that lists its class."""
    with Cache(path) as cache:

        @cache.memoise(cache_errors={NotFound: "10m"}, name="fetch")
        def fetch(uri: str) -> str:
            raise NotFound(uri)

        with pytest.raises(NotFound):
            fetch("/a")
    with Cache(path) as cache:
        found = cache.memoise(name="fetch")(lambda uri: "found")
        assert found("/a") == "found"


class ApiError(Exception):
    """An exception whose message is made of its arguments, and that has attributes of its own."""

    def __init__(self, status: int, *, body: Any = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body = status, body


class SlotError(Exception):
    """An exception with a slot."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def noted(error: Exception) -> Exception:
    """``error`` with a member that only ``vars`` shows."""
    untyped(error).note = ("seen", 1)
    return error


#: Windows' own number of an error between two drives.
WINERROR = 17 if os.name == "nt" else None
COME_BACK: dict[str, Callable[[], Exception]] = {
    "own attributes": lambda: ApiError(404, body={"a": [1]}),
    "an attribute set later": lambda: noted(ValueError("x")),
    "a slot": lambda: SlotError(7),
    "a file name": lambda: FileNotFoundError(2, "No such file", "a.txt"),
    "two file names": lambda: OSError(18, "Cross-device link", "a", WINERROR, "b"),
    "a JSON error": lambda: json.JSONDecodeError("bad", "doc", 0),
    "an encoding error": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    "an import error": lambda: ImportError("no", name="a", path="b"),
}


def outcome(path: Path, function: Callable[[str], Any], kept: type[Exception]) -> tuple[Any, ...]:
    """Describe the exception that a call and a hit raise, in a cache that is opened anew."""
    with Cache(path) as cache:
        fetch = cache.memoise(cache_errors={kept: "10m"}, name="fetch")(function)
        seen = [told(raised(fetch)) for _ in range(2)]
    gc.collect()  # the tracebacks hold the cache, which would be asked instead of the file
    assert seen[0] == seen[1]
    return seen[0]


def raised(function: Callable[[str], Any]) -> Any:
    """Return the exception that a call raises."""
    try:
        return function("/a")
    except Exception as error:
        return error.with_traceback(None)


def told(error: Any) -> tuple[Any, ...]:
    """Return what distinguishes exceptions."""
    slots = [getattr(error, name, None) for name in ("filename", "filename2", "errno", "code")]
    return type(error), error.args, str(error), vars(error), slots


@pytest.mark.parametrize("case", COME_BACK)
def test_what_is_kept_comes_back_as_it_was(case: str, path: Path) -> None:
    """A kept exception has the class, arguments, message and attributes of the first, also after a restart."""
    make, calls = COME_BACK[case], []

    def fetch(uri: str) -> None:
        calls.append(uri)
        raise make()

    seen = [outcome(path, fetch, type(make())) for _ in range(2)]
    assert calls == ["/a"]
    assert seen[0] == seen[1]


def of_requests() -> Exception:
    """Raise as ``raise_for_status`` does."""
    response = requests.Response()
    response.status_code, response.url = 404, "http://x/"
    return requests.HTTPError("404", response=response)


def of_httpx() -> Exception:
    """Raise as httpx does."""
    request = httpx.Request("GET", "http://x/")
    return httpx.HTTPStatusError("404", request=request, response=httpx.Response(404))


def of_urllib() -> Exception:
    """Raise as ``urlopen`` does."""
    return urllib.error.HTTPError("http://x/", 404, "no", email.message.Message(), io.BytesIO())


class StatusError(Exception):
    """An error made like those of openai and anthropic: what matters is given by name only."""

    def __init__(self, message: str, *, response: httpx.Response, body: object | None) -> None:
        super().__init__(message)
        self.response, self.body, self.status_code = response, body, response.status_code


def of_a_status(make: Callable[..., Exception] = StatusError, status: int = 429) -> Exception:
    """Return what such a client raises for an answer of this status."""
    request = httpx.Request("POST", "http://x/")
    response = httpx.Response(status, request=request, headers={"Retry-After": "7"})
    return make("too many", response=response, body={"error": {"type": "rate_limit"}})


def of_openai() -> Exception:
    """Return what openai itself raises."""
    return of_a_status(pytest.importorskip("openai").RateLimitError)


def of_anthropic() -> Exception:
    """Return what anthropic itself raises."""
    return of_a_status(pytest.importorskip("anthropic").RateLimitError)


@pytest.mark.parametrize(
    "make", [of_requests, of_httpx, of_urllib, of_a_status, of_openai, of_anthropic]
)
def test_what_would_come_back_otherwise_is_not_kept(make: Callable[[], Exception]) -> None:
    """An exception that holds a response is raised by each call, and one warning says why."""
    calls = []

    @Cache(None).memoise(cache_errors={type(make()): "10m"})
    def fetch(uri: str) -> None:
        calls.append(uri)
        raise make()

    with pytest.warns(UnstorableWarning, match=r"cache_errors= of .*fetch lists") as told:
        for _ in range(2):
            with pytest.raises(type(make())):
                fetch("/a")
    assert [warning.category for warning in told].count(UnstorableWarning) == 1
    assert calls == ["/a", "/a"]


@pytest.mark.parametrize("indent", [None, 4])
def test_a_kept_error_survives_a_formatter(path: Path, indent: int | None) -> None:
    """In a file that a JSON formatter rewrote, a kept exception is raised, not returned as a result."""

    def fetch(uri: str) -> None:
        raise NotFound(uri)

    first = outcome(path, fetch, NotFound)
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content, indent=indent, separators=(" ,", " : ")), "utf-8")

    def found(uri: str) -> None:
        raise AssertionError("called again")

    assert outcome(path, found, NotFound) == first


def test_an_unreadable_kept_error_is_a_miss(path: Path) -> None:
    """A kept exception that was edited by hand is neither raised nor returned."""

    def fetch(uri: str) -> None:
        raise NotFound(uri)

    outcome(path, fetch, NotFound)
    text = path.read_text("utf-8")
    path.write_text(text.replace('["/a"]', "17"), "utf-8")
    assert "17" in path.read_text("utf-8")
    with Cache(path) as cache:
        found = cache.memoise(cache_errors={NotFound: "10m"}, name="fetch")(lambda uri: "found")
        assert found("/a") == "found"


def test_a_duration_may_depend_on_the_exception(clock: Clock) -> None:
    """A callable takes the exception and says how long it is kept: ``Retry-After``."""
    calls = []

    class Busy(Exception):
        """Carries the seconds to wait."""

    @Cache(None, clock=clock).memoise(cache_errors={Busy: lambda error: error.args[0]})
    def fetch(seconds: int | None) -> None:
        calls.append(seconds)
        raise Busy(seconds)

    for seconds in (10, None):
        for _ in range(2):
            with pytest.raises(Busy):
                fetch(seconds)
    assert calls == [10, None, None]
    clock.now += 11
    with pytest.raises(Busy):
        fetch(10)
    assert calls == [10, None, None, 10]


def test_a_duration_that_raises_is_told_once() -> None:
    """If the callable raises, the function's own exception is raised, not kept, and one warning says so."""

    @Cache(None).memoise(cache_errors={NotFound: lambda error: error.headers["Retry-After"]})
    def fetch(uri: str) -> None:
        raise NotFound(uri)

    with pytest.warns(
        OutliveWarning, match=r"duration of .*NotFound raised AttributeError"
    ) as told:
        for _ in range(2):
            with pytest.raises(NotFound):
                fetch("/a")
    assert len(told) == 1


def test_a_subclass_of_what_is_listed_is_told_once() -> None:
    """Only exactly the listed classes are kept; a warning names a subclass that was raised."""
    calls = []

    @Cache(None).memoise(cache_errors={OSError: 60, TimeoutError: lambda error: None})
    def read(name: str) -> str:
        calls.append(name)
        raise TimeoutError if name == "slow" else FileNotFoundError(2, "not there", name)

    with pytest.warns(
        UnstorableWarning, match="lists builtins.OSError, and builtins.FileNotFoundError is a sub"
    ) as told_of:
        for name in ("a", "a", "slow", "b"):
            with pytest.raises((TimeoutError, FileNotFoundError)):
                read(name)
    assert calls == ["a", "a", "slow", "b"]
    assert len(told_of) == 1
