"""Switching the drop-in off: OUTLIVE_MODE and ``disable()``; and its other modes."""

from __future__ import annotations

import json

import pytest

from support.programs import Scripts

PROGRAM = """
import sys
import outlive
{before}
from outlive import memoise, cache, cache_file, save_cache
{after}

@memoise
def f(key):
    print("computed", key)
    return [key]

print(f("a"), f("a"))
save_cache()
print(len(cache), "a" in cache, cache == {{}}, list(cache), repr(cache).count("cache_file"))
"""
OFF = "computed a\ncomputed a\n['a'] ['a']\n0 False True [] 1\n"


@pytest.mark.parametrize("switch", ["environment", "before the names", "after the names"])
@pytest.mark.parametrize("content", [None, '{"a": 1}', "damaged"])
def test_off_touches_no_file(script: Scripts, switch: str, content: str | None) -> None:
    """Switched off, functions call through, all names exist, and no file is read or written."""
    path = script.folder / "cache_file.json"
    if content is not None:
        path.write_text(content)
        path.chmod(0)
    if switch == "after the names" and content is not None:
        path.chmod(0o600)
        path.write_text("{}")
    program = PROGRAM.format(
        before="outlive.disable()" if switch == "before the names" else "",
        after="outlive.disable()" if switch == "after the names" else "",
    )
    mode = {"OUTLIVE_MODE": "off"} if switch == "environment" else {}
    assert script.output(program, **mode) == OFF
    assert script.files == ([] if content is None else ["cache_file.json"])
    if content is not None and switch != "after the names":
        path.chmod(0o600)
        assert path.read_text() == content


def test_off_reads_nothing_at_all(script: Scripts) -> None:
    """Not even the path is looked at, also if a program uses ``cache`` directly."""
    program = """
    import sys
    seen = []
    sys.addaudithook(lambda event, args: seen.append(args) if "cache_file" in str(args) else None)
    from outlive import memoise, cache, save_cache
    f = memoise(lambda key: object())
    f("k"), f("k")
    cache["own"] = [1]
    print(cache.get("own"), f.cache_info()[:2])
    del cache["own"]
    cache.clear()
    save_cache()
    """
    ended = script(program, OUTLIVE_MODE="off")
    assert (ended.out, ended.err, ended.status) == ("[1] (0, 0)\n", "", 0)
    assert script.files == []


def test_disabling_in_the_middle_keeps_what_there_is(script: Scripts) -> None:
    """``disable()`` stops serving and keeping; earlier results are saved."""
    program = """
    import outlive
    from outlive import memoise
    calls = []
    f = memoise(lambda key: calls.append(key) or [key])
    f("before"), f("before")
    outlive.disable()
    f("before"), f("after")
    print(calls)
    """
    assert script.output(program) == "['before', 'before', 'after']\n"
    assert json.loads((script.folder / "cache_file.json").read_text()) == {"before": ["before"]}


@pytest.mark.parametrize("mode", ["", "ON", "On", "on"])
def test_mode_on_in_all_spellings(script: Scripts, mode: str) -> None:
    """An empty OUTLIVE_MODE is none, and capitals do not matter."""
    script.output("from outlive import memoise; memoise(lambda x: x)(1)", OUTLIVE_MODE=mode)
    assert script.files == ["cache_file.json"]


def test_a_mode_that_does_not_exist_is_told(script: Scripts) -> None:
    """A misspelt OUTLIVE_MODE does not break the import: a warning lists the modes."""
    ended = script(
        "from outlive import memoise; print(memoise(lambda x: x)(1))", OUTLIVE_MODE="offf"
    )
    assert (ended.out, ended.status) == ("1\n", 0)
    assert "OutliveWarning" in ended.err and "offf" in ended.err and "readonly" in ended.err


def test_readonly_serves_and_keeps_in_memory_only(script: Scripts) -> None:
    """Mode ``readonly`` serves hits and computes misses once a process; the file stays as it is."""
    path = script.folder / "cache_file.json"
    path.write_text('{"a": 1}')
    program = """
    from outlive import memoise
    f = memoise(lambda key: print("computed", key) or key)
    print(f("a"), f("b"), f("b"))
    """
    assert script.output(program, OUTLIVE_MODE="readonly") == "computed b\n1 b b\n"
    assert path.read_text() == '{"a": 1}' and script.files == ["cache_file.json"]


def test_offline_raises_on_a_miss(script: Scripts) -> None:
    """Mode ``offline`` serves hits; a miss raises CacheMiss with function and key."""
    (script.folder / "cache_file.json").write_text('{"a": 1}')
    program = """
    from outlive import memoise, CacheMiss
    @memoise
    def f(key): print("computed")
    try:
        print(f("a"))
        f("b")
    except CacheMiss as miss:
        print(miss.key, miss.function)
    """
    assert script.output(program, OUTLIVE_MODE="offline") == "1\nb program.f\n"


def test_refresh_computes_anew_and_keeps(script: Scripts) -> None:
    """Mode ``refresh`` computes every call and keeps the newest result."""
    path = script.folder / "cache_file.json"
    path.write_text('{"a": "old", "b": "old"}')
    script.output(
        "from outlive import memoise; memoise(lambda x: 'new')('a')", OUTLIVE_MODE="refresh"
    )
    assert json.loads(path.read_text()) == {"a": "new", "b": "old"}
