"""The classes that a function's results may have, and the warnings about others."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest

import outlive
from classes import shop
from outlive import Cache, UnstorableWarning
from support.programs import Scripts, untyped
from support.threads import STUCK, Worker

if TYPE_CHECKING:
    from nowhere import Hidden  # type: ignore[import-not-found]

T = TypeVar("T")


def _kept(function: Any, *arguments: Any, **options: Any) -> bool:
    """Whether the result of a call is in the file for a later process."""
    cache = Cache()
    memoised = cache.memoise(**options)(function)
    memoised(*arguments)
    return type(memoised(*arguments)) is type(function(*arguments))


def union(client: Hidden) -> Hidden | list[shop.Owner] | None:
    """An annotation with a name that only type checkers know."""
    return [shop.Owner("a")]


def nested() -> dict[str, tuple[shop.Repo, ...]]:
    """A field of a class that is named, in containers."""
    return {"a": (shop.Repo("a", shop.Owner("b")),)}


def literal() -> Literal[shop.Plan.PRO]:
    """An Enum by one of its members."""
    return shop.Plan.PRO


def by_code():  # type: ignore[no-untyped-def]
    """No annotation; a data class in the body, reached through a module."""
    return shop.Owner("a")


def by_code_inside():  # type: ignore[no-untyped-def]
    """A data class in a nested function's body."""
    return (lambda: [shop.Point(1, 2)])()


def subclass() -> shop.Owner:
    """A subclass of the class that is named."""
    return shop.Child(login="a", extra=set())


async def awaited() -> shop.Owner:
    """A coroutine function."""
    return shop.Owner("a")


def structured(prompt: str, response_model: type[T]) -> T:
    """An instance of the class that the caller passes."""
    return response_model(login=prompt)  # type: ignore[call-arg]


def structured_list(prompt: str, response_model: Any) -> Any:
    """Instances of the class that the caller passes in an alias."""
    (cls,) = response_model.__args__
    return [cls(prompt)]


def hidden() -> Any:
    """Nothing names the class."""
    return _make("shop", "Owner")("a")


def _make(_module: str, name: str) -> Any:
    return getattr(shop, name)


@pytest.mark.parametrize(
    "function", [nested, literal, by_code, by_code_inside, subclass], ids=lambda f: str(f.__name__)
)
def test_allowed_by_the_code(function: Callable[[], Any], recwarn: pytest.WarningsRecorder) -> None:
    """Annotations and names in the code allow classes; no warning comes."""
    memoised = Cache().memoise(function)
    first, *hits = (memoised() for _ in range(4))
    assert all(hit == first for hit in hits)
    assert not recwarn.list


def test_names_for_type_checkers_are_passed_over(recwarn: pytest.WarningsRecorder) -> None:
    """A name that does not exist at run time does not hide the others in the annotation."""
    memoised = Cache().memoise(untyped(union), ignore=("client",))
    assert memoised(1) == memoised(2) == [shop.Owner("a")]
    assert not recwarn.list


def test_a_class_that_is_passed(recwarn: pytest.WarningsRecorder) -> None:
    """The class, or the alias of it, that a caller passes is allowed for this entry, also a local one."""

    @dataclass
    class Local:
        login: str

    cache = Cache()
    one, many = cache.memoise(structured), cache.memoise(structured_list)
    for _ in range(3):
        assert one("a", shop.Owner) == shop.Owner("a")
        assert one("a", response_model=Local) == Local("a")
        assert many("a", list[Local]) == [Local("a")]
    assert not recwarn.list


def test_types_option(recwarn: pytest.WarningsRecorder) -> None:
    """``types=`` takes classes and names, of a function and of a cache."""
    for cache, options in [
        (Cache(), {"types": (shop.Owner,)}),
        (Cache(), {"types": "classes.shop:Owner"}),
        (Cache(), {"types": ("classes.shop.Owner",)}),
        (Cache(types=(shop.Owner,)), {}),
    ]:
        memoised = cache.memoise(**untyped(options))(hidden)
        assert memoised() == memoised() == shop.Owner("a")
    assert not recwarn.list
    with pytest.raises(TypeError, match="types= takes classes"):
        Cache(types=untyped((5,)))


def test_other_classes_are_told() -> None:
    """A result of an unnamed class is kept in this process; the warning says what to write."""
    memoised = Cache().memoise(hidden)
    with pytest.warns(
        UnstorableWarning,
        match=r'result: classes.shop.Owner is not among .*hidden\(\).*write "-> Owner" or @memoise\(types=\(Owner,\)\)',
    ):
        memoised()


def test_the_body_allows_no_module() -> None:
    """A body that merely uses ``tempfile`` and ``subprocess`` allows none of their classes."""

    def work() -> Any:
        tempfile.NamedTemporaryFile  # noqa: B018 - named is enough
        return subprocess.Popen

    memoised = Cache().memoise(work)
    registry = untyped(memoised)._outlive_registration.classes
    for name in ("tempfile:_TemporaryFileCloser", "subprocess:Popen", "classes.shop:Owner"):
        assert registry.find(name) is None


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: _local(), "defined inside a function"),
        (lambda: _own_rules(), r"rules of its own for copying.*outlive.register\(Own, dump="),
        (lambda: _str_subclass(), r'on_unstorable="plain"'),
        (lambda: threading.Lock(), "use JSON types"),
        (lambda: ValueError("x"), r"register\(ValueError|use JSON types"),
        (lambda: _secret(), "a secret would stand in a plain file"),
        (lambda: _response(), r"holds its request with its headers; return response.json\(\)"),
    ],
)
def test_refusals_name_the_line_that_mends_them(make: Callable[[], Any], told: str) -> None:
    """Each kind that is refused has its own advice."""
    memoised = Cache(types=(Own, Text)).memoise(make, name="f")
    with pytest.warns(UnstorableWarning, match=told):
        memoised()


class Own:
    """A class with rules of its own."""

    def __reduce__(self) -> Any:
        return Own, ()


class Text(str):
    """A str of a kind of its own."""


def _own_rules() -> Own:
    return Own()


def _str_subclass() -> Text:
    return Text("a")


def _local() -> Any:
    @dataclass
    class Local:
        a: int

    return Local(1)


def _secret() -> Any:
    import pydantic

    return pydantic.SecretStr("x")


def _response() -> Any:
    import requests

    return requests.Response()


def test_plain_stores_what_json_would() -> None:
    """``on_unstorable="plain"`` stores a flattened form, and gives it to the first caller, too."""
    memoised = Cache().memoise(lambda: [Text("a"), {1: 2}], name="f", on_unstorable="plain")
    for _ in range(3):
        found = memoised()
        assert found == ["a", {"1": 2}] and type(found[0]) is str
    lost = Cache().memoise(lambda: threading.Lock(), name="g", on_unstorable="plain")
    with pytest.warns(UnstorableWarning):
        lost()


class Money:
    """A class that ``register`` is told about."""

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount

    def __getstate__(self) -> object:
        raise TypeError("not like this")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.amount == self.amount

    __hash__ = None  # type: ignore[assignment]


def test_registered_classes(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """``outlive.register`` says how a class is stored, for every function."""
    outlive.register(Money, dump=lambda money: [money.amount], load=lambda p: Money(*p))
    calls: list[int] = []
    for _ in range(2):
        calls.clear()
        with Cache(tmp_path / "cache.json") as cache:

            @cache.memoise(name="f")
            def f() -> Any:
                calls.append(1)
                return {"a": Money(Decimal(5))}

            assert f() == f() == f() == {"a": Money(Decimal(5))}
            assert f()["a"] is not f()["a"]
    assert calls == [] and not recwarn.list


def test_dump_and_load_of_one_function(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """``dump=`` and ``load=`` take whole results apart, and put them together in a later process."""
    calls: list[int] = []
    for _ in range(2):
        calls.clear()
        with Cache(tmp_path / "cache.json") as cache:

            @cache.memoise(name="f", dump=lambda r: {"n": r.n}, load=lambda p: Odd(p["n"]))
            def f() -> Any:
                calls.append(1)
                return Odd([1])

            for _ in range(4):
                found = f()
                assert found.n == [1]
                found.n.append(2)
    assert calls == [] and not recwarn.list


class Odd(list[int]):
    """A list with an attribute."""

    def __init__(self, n: list[int]) -> None:
        super().__init__()
        self.n = n


def test_what_dump_and_load_lose_is_told() -> None:
    """A pair that does not give back what it took warns when the result is stored."""
    for load, told in [(lambda p: 5, "makes a int"), (lambda p: Odd([9]), "something else")]:
        memoised = Cache().memoise(name="f", dump=lambda r: r.n, load=load)(lambda: Odd([1]))
        with pytest.warns(UnstorableWarning, match=told):
            assert memoised().n == [1]
    with pytest.raises(TypeError, match="one needs the other"):
        Cache().memoise(lambda: 1, dump=repr)


def test_threads_find_all_classes_or_none(tmp_path: Path) -> None:
    """A thread that asks while a function's classes are being found waits for all of them."""
    with Cache(tmp_path / "cache.json") as cache:
        cache.memoise(hidden, name="f", types=(shop.Owner,))()
    is_decorated, asked, go_on = (threading.Event() for _ in range(3))

    class Slow:
        @property
        def __args__(self) -> tuple[Any, ...]:
            if is_decorated.is_set() and not asked.is_set():
                asked.set()
                assert go_on.wait(STUCK)
            return (shop.Owner,)

    with Cache(tmp_path / "cache.json") as cache:
        memoised = cache.memoise(lambda: pytest.fail("it is there"), name="f", types=(Slow(),))
        is_decorated.set()
        first = Worker(memoised)
        assert asked.wait(STUCK)
        second = Worker(memoised)
        assert second.result() == shop.Owner("a")
        go_on.set()
        assert first.result() == shop.Owner("a")


def test_libraries_are_never_imported(script: Scripts) -> None:
    """A file that names pydantic, numpy or pandas has none of them imported."""
    assert (
        script.output(
            """
            import json, sys, warnings
            import outlive
            warnings.simplefilter("ignore")
            cache = outlive.Cache("c.json")
            f = cache.memoise(lambda n: None, name="f")
            for n in range(4):
                f(n)
            cache.close()
            text = open("c.json").read()
            for name in ("pydantic:BaseModel", "numpy:ndarray", "pandas:DataFrame", "attr:Factory"):
                text = text.replace('"result": null', '"result": {"$' + name + '": {}}', 1)
            open("c.json", "w").write(text)
            assert [outlive.Cache("c.json").memoise(lambda n: 5, name="f")(n) for n in range(4)] == [5] * 4
            print({"pydantic", "numpy", "pandas", "attr", "msgspec"} & set(sys.modules))
            """
        )
        == "set()\n"
    )
