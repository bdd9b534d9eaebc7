"""``f.provenance(...)``: when and how a result was made, and what the function's options note."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.clock import Clock
from support.programs import untyped


def test_what_is_noted_comes_back(tmp_path: Path) -> None:
    """Time, duration, code, packages, meta, cost and tags are those of the call, in a later run too."""
    path, clock = tmp_path / "c.json", Clock()

    def function() -> Any:
        return Cache(path, clock=clock).memoise(
            lambda prompt: {"text": prompt, "tokens": 3},
            name="ask",
            depends=("platformdirs", "no-such-package"),
            meta=lambda result: {"model": "m1", "tokens": result["tokens"]},
            cost=lambda result: result["tokens"] * 0.5,
            tags=("paid",),
        )

    ask = function()
    assert ask.provenance("hi") is None
    ask("hi")
    for found in (ask.provenance("hi"), function().provenance("hi")):
        assert found.created.timestamp() == 1e9 and found.key == 'ask(prompt="hi")'
        assert found.depends == {"platformdirs": version("platformdirs"), "no-such-package": None}
        assert found.meta == {"model": "m1", "tokens": 3} and found.cost == 1.5
        assert found.tags == ("paid",) and found.function == "ask"
        assert str(found).startswith("made 2001-09-09 01:46:40 UTC")
        assert "for 1.5" in str(found) and "'model': 'm1'" in str(found)
    ask._outlive_registration.cache.core.close()
    line = json.loads(path.read_text())['ask(prompt="hi")']
    assert line["meta"] == {"model": "m1", "tokens": 3} and line["cost"] == 1.5


def test_duration_and_code(tmp_path: Path) -> None:
    """Without options there are the time, the duration and the code's digest."""
    f = Cache(tmp_path / "c.json").memoise(lambda x: x, name="f")
    f(1)
    found = f.provenance(1)
    assert found is not None and found.took is not None and found.took >= 0
    assert found.code is not None and (found.meta, found.cost, found.depends) == (None, None, {})


@pytest.mark.parametrize("option", ["meta", "cost", "tags"])
def test_callables_that_raise_cost_no_result(tmp_path: Path, option: str) -> None:
    """A callable that raises, or returns the wrong kind, warns once; other notes are kept."""
    cache = Cache(tmp_path / "c.json")
    bad = {"meta": lambda r: object(), "cost": lambda r: "dear", "tags": lambda r: 1 / 0}[option]
    others: dict[str, Any] = {"depends": ("platformdirs",), option: bad}
    f = untyped(cache.memoise(name="f", **others))(lambda x: x)
    with pytest.warns(UserWarning, match=f"{option}= of f raised") as told:
        assert [f(1), f(2)] == [1, 2]
    assert len(told) == 1
    assert f.provenance(1).depends and getattr(f.provenance(1), option) in (None, ())


def test_refused_options(tmp_path: Path, drop_in: Any) -> None:
    """Options of the wrong type are refused, and in the drop-in all that need notes."""
    cache = Cache(None)
    options: dict[str, Any]
    for options in ({"cost": "dear"}, {"cost": True}, {"meta": 3}, {"depends": "numpy"}):
        with pytest.raises(TypeError, match=next(iter(options))):
            untyped(cache).memoise(**options)
    for options in ({"meta": str}, {"depends": ("numpy",)}, {"cost": len}):
        with pytest.raises(TypeError, match="cache of your own"):
            drop_in.memoise(**options)
    drop_in.memoise(cost=0.5)


def test_what_a_hand_wrote_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Strange members of an entry are skipped."""
    path = tmp_path / "c.json"
    entry = '{"result": 1, "at": 1e300, "tags": 3, "cost": "x", "depends": []}'
    path.write_text('{\n"f(x=1)": ' + entry + ',\n"outlive": {"format": 2}\n}\n')
    f = Cache(path).memoise(lambda x: x, name="f")
    found = f.provenance(1)
    assert found is not None
    assert (found.created, found.tags, found.cost, found.depends) == (None, (), None, {})
    assert "unknown time" in str(found)
