"""The reference and ``help()`` show everything that is public, and nothing that is not."""

from __future__ import annotations

import pydoc
import re

import pytest

import outlive
from support.pages import ROOT

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
_MEMBERS = re.compile(r"^\.\. autoclass:: outlive\.(\w+)\n   :members: (.*)$", re.MULTILINE)
SHOWN = {name: set(members.split(", ")) for name, members in _MEMBERS.findall(REFERENCE)}
#: What users of a mapping know: they have no docstrings of ours.
_OF_MAPPINGS = {"get", "items", "keys", "values"}


def public(cls: type) -> set[str]:
    """The names of a class that a user may use."""
    return {name for name in dir(cls) if not name.startswith("_")}


def test_the_reference_has_every_name() -> None:
    """Each public name of the package is in the reference."""
    names = {name for name in dir(outlive) if not name.startswith("_")} - {"memoize"}
    shown = set(re.findall(r"^\.\. \w+:: outlive\.(\w+)", REFERENCE, re.MULTILINE))
    assert shown == names


@pytest.mark.parametrize("cls", [outlive.Cache, outlive.Memoised])
def test_the_reference_has_every_member(cls: type) -> None:
    """Each public member of the two classes is in the reference, with a docstring, and no other is."""
    members = {name for name in SHOWN[cls.__name__] if not name.startswith("_")}
    assert members == public(cls) - _OF_MAPPINGS
    assert [name for name in members if not getattr(cls, name).__doc__] == []


@pytest.mark.parametrize("thing", [outlive.Cache, outlive.Memoised, outlive.configure])
def test_help_shows_no_internals(thing: object) -> None:
    """``help()`` shows no private name."""
    text = pydoc.plain(pydoc.render_doc(thing))
    shown = set(re.findall(r"^ \|  (\w+)\(", text, re.MULTILINE))
    assert {name for name in shown if re.match(r"_(?!_)", name)} == set()
    assert shown.isdisjoint({"core", "options", "functions", "reconfigure", "clear_function"})


def test_help_of_a_memoised_function_is_its_own() -> None:
    """``help(f)`` shows the signature and the docstring of the function."""

    @outlive.Cache(None).memoise
    def price(item: str, currency: str = "EUR") -> float:
        """Ask the shop."""
        return 3.2

    text = pydoc.plain(pydoc.render_doc(price))
    assert "price(item: 'str', currency: 'str' = 'EUR') -> 'float'" in text
    assert "Ask the shop." in text


def test_dir_of_a_memoised_function_shows_what_is_public() -> None:
    """Completion of a memoised function offers the members of ``outlive.Memoised``, and no others."""

    @outlive.Cache(None).memoise
    def price(item: str) -> float:
        return 3.2

    shown = {name for name in dir(price) if not name.startswith("_")}
    assert shown == public(outlive.Memoised)
