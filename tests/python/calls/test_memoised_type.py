"""outlive.Memoised as a class, and frameworks that inspect functions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

import outlive
from outlive import Cache, Memoised
from support.programs import untyped

cache = Cache(None)


@cache.memoise
def plain(x: int) -> str:
    """A memoised function."""
    return str(x)


@cache.memoise
async def waiting(x: int) -> str:
    """A memoised coroutine function."""
    return str(x)


def test_memoised_functions_are_instances() -> None:
    """``isinstance(f, outlive.Memoised)`` is true of memoised functions of both kinds, and of nothing else."""
    assert isinstance(plain, Memoised)
    assert isinstance(waiting, outlive.Memoised)
    for other in (len, lambda x: x, cache, 1, Memoised):
        assert not isinstance(other, Memoised)
    assert issubclass(type(untyped(plain)), Memoised)


def test_nobody_makes_one_by_hand() -> None:
    """``Memoised(f)`` is a TypeError that names the decorator."""
    with pytest.raises(TypeError):
        untyped(Memoised)(len)
    with pytest.raises(TypeError, match=r"@cache\.memoise"):
        Memoised()


def test_it_stands_in_annotations() -> None:
    """``Memoised[[int], str]`` can be written where annotations are evaluated."""
    assert "Memoised" in repr(Memoised[[int], str])


def test_a_method_of_a_pydantic_model() -> None:
    """With ``ignored_types=(outlive.Memoised,)`` a model may have memoised methods."""

    class Repo(BaseModel):
        """A model with a memoised method."""

        model_config = ConfigDict(ignored_types=(Memoised,))
        name: str

        def __memo_key__(self) -> str:
            return self.name

        @cache.memoise
        def stars(self) -> int:
            return len(self.name)

    assert [Repo(name="abc").stars(), Repo(name="abc").stars()] == [3, 3]
    assert untyped(Repo.stars).cache_info().hits == 1


def test_pydantic_calls_the_memoised_function() -> None:
    """pydantic validates the arguments by the function's signature, and calls the memoised one."""
    plain.cache_clear()
    adapter: Any = TypeAdapter(untyped(plain))
    from pydantic_core import ArgsKwargs

    assert adapter.validate_python(ArgsKwargs(("7",))) == "7"
    assert adapter.validate_python(ArgsKwargs((), {"x": 7})) == "7"
    assert plain.cache_info()[:2] == (1, 1)
    assert adapter.json_schema()["properties"]["x"]["type"] == "integer"
