"""Instances whose hidden state looks like something else, and names that lead nowhere."""

from __future__ import annotations

import dataclasses
import gc
import warnings
import weakref
from pathlib import Path
from typing import Any

import pydantic
import pytest

from classes import shop
from outlive import Cache, OutliveWarning
from outlive._classes import families
from support.programs import untyped


class Account(pydantic.BaseModel):
    """A model with private attributes, one of which has no default."""

    name: str
    _token: str
    _etag: str = "fresh"


Odd = pydantic.create_model(
    "Odd",
    __module__=__name__,
    **{"$given": (int, 1), "$private": (str, "p"), "$extra": (list[int], [])},  # type: ignore[call-overload]
)


def _again(path: Path, value: Any, cls: Any) -> Any:
    """What a call gets that a later cache answers from the file."""
    computed = [value]
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Cache(path, types=(cls,)) as cache:
                f = cache.memoise(lambda: computed.pop(), name="f")
                assert f() == value
                found = f()
    return found


def test_a_private_attribute_that_was_deleted(tmp_path: Path) -> None:
    """A private attribute that was never set, or deleted, is missing afterwards, too."""
    account = Account.model_validate({"name": "a"})
    del account._etag
    found = _again(tmp_path / "c.json", account, Account)
    assert found.__pydantic_private__ == account.__pydantic_private__ == {}
    assert not hasattr(found, "_etag") and not hasattr(found, "_token")
    account._token = "t"
    found = _again(tmp_path / "d.json", account, Account)
    assert found.__pydantic_private__ == {"_token": "t"}


def test_fields_that_are_named_as_hidden_state_is(tmp_path: Path) -> None:
    """A field may be named "$given": it is distinguished from the hidden state."""
    odd = Odd(**{"$given": 5})
    found = _again(tmp_path / "c.json", odd, Odd)
    assert type(found) is Odd and found == odd
    assert found.model_fields_set == {"$given"} and getattr(found, "$private") == "p"


def hidden() -> Any:
    """Nothing says which class."""
    return vars(shop)["Owner"]("a")


def test_a_name_that_leads_nowhere_costs_no_other_class() -> None:
    """A missing class in ``types=`` warns once; instances of the others are stored."""
    wrong = "classes.shop:Nobody"
    for given in ({"types": (wrong, "nowhere:X", "json:dumps", shop.Owner)}, {}):
        cache = Cache(types=() if given else (wrong, shop.Owner))
        memoised = cache.memoise(**untyped(given))(hidden)
        with pytest.warns(OutliveWarning, match="names 'classes.shop:Nobody', .*no class") as told:
            assert memoised() == memoised() == shop.Owner("a")
            assert dict(cache)
        names = [str(each.message).split("'")[1] for each in told]
        assert names == ([wrong, "nowhere:X", "json:dumps"] if given else [wrong])


@pytest.mark.parametrize("use", ["result", "argument"])
def test_classes_made_for_a_moment_are_let_go(use: str) -> None:
    """What is known of classes that no module holds keeps only the latest of them alive."""
    cache, classes = Cache(None), weakref.WeakSet[type]()
    for _ in range(600):
        made = dataclasses.make_dataclass("Made", [("x", int)])
        classes.add(made)
        result = made(1)

        @cache.memoise(name="f", on_unstorable="ignore")
        def f(_: Any, result: Any = result) -> Any:
            return result

        f(result if use == "argument" else 1)
        cache.clear()
        del f, made, result
    gc.collect()
    assert len(classes) <= families._MOST_PASSING
