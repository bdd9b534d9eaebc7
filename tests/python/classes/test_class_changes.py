"""Classes that change between two runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.programs import Scripts

BEFORE = """
from dataclasses import dataclass, field
@dataclass
class Repo:
    name: str
    stars: int
"""
PROGRAM = """
import sys, warnings
import outlive
import shop

cache = outlive.Cache("c.json", on_code_change="ignore")

@cache.memoise(name="f")
def f(n) -> shop.Repo:
    print("computed")
    return shop.Repo(*sys.argv[1].split(","))

for n in range(2):
    print(f(n))
"""


def _second_run(script: Scripts, after: str, arguments: str = "new,1") -> tuple[str, str]:
    """What the second run prints, and its warnings, once the module has changed."""
    module = Path(script.folder) / "shop.py"
    module.write_text(BEFORE)
    script.output(PROGRAM, "old,1", PYTHONDONTWRITEBYTECODE="1")
    module.write_text(after)
    ended = script(PROGRAM, arguments, PYTHONDONTWRITEBYTECODE="1")
    assert ended.status == 0, ended.err
    return ended.out, ended.err


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        (BEFORE + "    url: str = 'none'\n", "Repo(name='old', stars='1', url='none')"),
        (BEFORE + "    tags: list = field(default_factory=list)\n", "Repo(name='old', stars='1', tags=[])"),
        (BEFORE.replace("    name: str\n    stars: int", "    stars: int\n    name: str"), "Repo(stars='1', name='old')"),
        (BEFORE.replace("@dataclass", "@dataclass(slots=True)"), "Repo(name='old', stars='1')"),
        (BEFORE.replace("@dataclass", "@dataclass(frozen=True)"), "Repo(name='old', stars='1')"),
    ],
)  # fmt: skip
def test_changes_that_lose_nothing(script: Scripts, after: str, shown: str) -> None:
    """A field with a default is filled in; the order and storage of fields makes no difference."""
    out, told = _second_run(script, after)
    assert (out, told) == (f"{shown}\n{shown}\n", "")


@pytest.mark.parametrize(
    ("after", "arguments", "told"),
    [
        (BEFORE + "    url: str\n", "new,1,u", "its field 'url' is not among what is stored"),
        (BEFORE.replace("    stars: int\n", ""), "new", "has 'stars', which is no field of it"),
        (BEFORE.replace("stars", "likes"), "new,1", "'likes' is not among|'stars', which is no"),
        (
            "from kinds import Repo\n",
            "new,1",
            r'shop.Repo, which comes from kinds now; outlive.register\(Repo, name="shop:Repo"\)',
        ),
    ],
)
def test_changes_that_do_are_computed_anew(
    script: Scripts, after: str, arguments: str, told: str
) -> None:
    """Any other change is a miss with one warning, and the new result is served from then on."""
    import re

    (Path(script.folder) / "kinds.py").write_text(BEFORE)
    out, err = _second_run(script, after, arguments)
    assert out.count("computed") == 2 and out.count("Repo(name='new'") == 2
    assert err.count("ClassChangedWarning") == 1 and re.search(told, err), err
    assert "computed" not in script(PROGRAM, arguments, PYTHONDONTWRITEBYTECODE="1").out


RUN = """
from dataclasses import dataclass
from outlive import Cache

@dataclass
class {name}:
    stars: int

@Cache("c.json").memoise(name="f")
def f(n) -> {name}:
    return {name}(n)

f(1)
"""


def test_a_class_that_was_renamed_is_told(script: Scripts) -> None:
    """The class of a program that is run is missed in this program, not in a module of its name."""
    script.output(RUN.format(name="Repo"))
    told = script(RUN.format(name="Project")).err
    assert "it is a program.Repo, which is not there any more" in told, told


def test_a_class_that_moved_is_found_by_its_old_name(script: Scripts) -> None:
    """``outlive.register`` with the old name reads what was stored under it."""
    (Path(script.folder) / "kinds.py").write_text(BEFORE)
    after = "import outlive\nfrom kinds import Repo\noutlive.register(Repo, name='shop:Repo')\n"
    assert _second_run(script, after) == ("Repo(name='old', stars='1')\n" * 2, "")


def test_a_class_that_was_defined_twice_is_told(script: Scripts) -> None:
    """An instance of an older class of the same name is not stored as one of the newer."""
    ended = script(
        """
        import outlive
        from dataclasses import dataclass
        def define():
            global Repo
            @dataclass
            class Repo:
                name: str
            Repo.__qualname__ = "Repo"
            return Repo
        old, new = define(), define()
        f = outlive.Cache("c.json").memoise(lambda: old("a"), name="f", types=(new,))
        print(f())
        """
    )
    assert "was defined twice" in ended.err and ended.out == "Repo(name='a')\n"
