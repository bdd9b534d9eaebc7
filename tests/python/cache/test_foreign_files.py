"""Files that others wrote: Python's json in all its ways, editors, crashes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning
from outlive._drop_in import DropInCache
from support.files import results
from support.programs import Scripts
from support.sameness import same

CONTENT: dict[str, Any] = {
    "https://api.github.com/repos/a/b": [{"login": "é😀\u2028", "id": 1, "site": None}],
    "numbers": [0, -1, 1.5, 1e22, 5e-324, 2**70, -0.0, 10**4000],
    "texts": ["", '"\\/', "\b\f\n\r\t", "\x7f", "cut \ud83d", "\udc00\ud83d", "a\0b"],
    "": {},
    "é": [],
    "nested": {"a": {"b": {"c": [[[]]]}}},
    "flags": [True, False, None],
}
ODD: dict[str, Any] = {"x": float("nan"), "y": [float("inf"), -float("inf")]}

STYLES: dict[str, dict[str, Any]] = {
    "as the original wrote it": {},
    "compact": {"separators": (",", ":")},
    "indented": {"indent": 4},
    "indented by tabs": {"indent": "\t"},
    "indented by nothing": {"indent": 0},
    "not escaped": {"ensure_ascii": False},
    "indented by one": {"indent": 1},
}


def write(path: Path, text: str) -> None:
    """Write a text in which lone surrogates may stand."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.fixture(params=[DropInCache, Cache], ids=["drop-in", "own"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Both kinds of cache read the same files."""
    return request.param


@pytest.mark.parametrize("style", STYLES)
def test_what_pythons_json_wrote_is_read(tmp_path: Path, kind: Any, style: str) -> None:
    """``json.dump`` in each of its styles gives a file that loads whole, types and all."""
    content = CONTENT | ODD
    if style == "not escaped":  # UTF-8 has no half characters
        content = {key: value for key, value in content.items() if key != "texts"}
    path = tmp_path / "f.json"
    write(path, json.dumps(content, **STYLES[style]))
    with kind(path) as cache:
        assert list(cache) == list(content)
        for key, value in content.items():
            assert same(cache[key], value), key
        cache["new"] = [1]
        cache.save()
    with kind(path) as cache:
        assert same(dict(cache), dict(cache) | content | {"new": [1]})


def test_our_file_is_read_by_pythons_json(tmp_path: Path, kind: Any) -> None:
    """``json.load`` reads what outlive wrote: the same values wherever JSON can hold them."""
    path = tmp_path / "f.json"
    with kind(path) as cache:
        cache.update(CONTENT)
    assert same(results(path), CONTENT)
    assert path.read_text("utf-8").count("\n") >= len(CONTENT)


def test_duplicate_keys_the_last_one_wins(tmp_path: Path, kind: Any) -> None:
    """Of two members with one key the last one counts, as for ``json.load``, at every level."""
    write(tmp_path / "f.json", '{"a": 1, "b": {"x": 1, "x": 2}, "a": 3, "\\u0061": 4}')
    assert dict(kind(tmp_path / "f.json")) == {"a": 4, "b": {"x": 2}}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("text", ['{"a": "é"}', '\n {"a"\t:\r\n"é"\n}\n\n', '{"a":"\\u00e9"}'])
def test_byte_order_mark_and_white_space(
    tmp_path: Path, kind: Any, encoding: str, text: str
) -> None:
    """A BOM at the start and white space anywhere between tokens are allowed."""
    (tmp_path / "f.json").write_text(text, encoding=encoding, newline="")
    assert dict(kind(tmp_path / "f.json")) == {"a": "é"}


@pytest.mark.parametrize("text", ["{}", " {\n} "])
def test_empty_objects_are_empty_caches(tmp_path: Path, text: str) -> None:
    """An object without members is a cache without entries."""
    (tmp_path / "f.json").write_text(text)
    with DropInCache(tmp_path / "f.json") as cache:
        assert len(cache) == 0


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    """A file without a byte, as a crash leaves it, is an empty cache, and a warning says so."""
    (tmp_path / "f.json").touch()
    with pytest.warns(CacheFileWarning, match="empty"), DropInCache(tmp_path / "f.json") as cache:
        assert len(cache) == 0


LOOKALIKES: dict[str, Any] = {
    "unknown tag": {"$ref": "#/definitions/x"},
    "two members": {"$tuple": [1], "other": 2},
    "tuple of a text": {"$tuple": "text"},
    "set of lists": {"$set": [[1], [2]]},
    "dict of triples": {"$dict": [[1, 2, 3]]},
    "dict with a list as key": {"$dict": [[[1], 2]]},
    "dict of a dict": {"$dict": {"a": 1}},
    "bytes that are none": {"$bytes": "not base 64!"},
    "float in words": {"$float": "three"},
    "float that is finite": {"$float": "1.5"},
    "date of nonsense": {"$date": "tomorrow"},
    "date of a number": {"$date": 20200101},
    "datetime of a list": {"$datetime": ["2020-01-01", 1, 2]},
    "datetime of a dict": {"$datetime": {"a": 1, "b": 2}},
    "time of null": {"$time": None},
    "timedelta of texts": {"$timedelta": ["a"]},
    "timedelta without end": {"$timedelta": [10**12]},
    "decimal of nonsense": {"$decimal": "one"},
    "decimal of a list": {"$decimal": [1]},
    "UUID of a number": {"$uuid": 5},
    "UUID of nonsense": {"$uuid": "5"},
    "UUID of a list": {"$uuid": [1]},
    "path of a list": {"$path": ["a"]},
    "complex of one": {"$complex": [1]},
    "complex of texts": {"$complex": ["a", "b"]},
    "str of numbers": {"$str": [1, 2]},
    "int of nonsense": {"$int": "zz"},
    "int of a number": {"$int": 5},
    "error of the original's": {"$error": "not found"},
    "error of a dict": {"$error": {"code": 1}},
    "escaped unknown": {"$$ref": 1},
    "deep inside": [{"a": {"$uuid": {"$set": [{}]}}}],
}


@pytest.mark.parametrize("which", LOOKALIKES)
def test_members_that_look_like_tags_by_chance(tmp_path: Path, which: str) -> None:
    """A dict that is not our tag is read as a plain dict, and served to calls."""
    value = LOOKALIKES[which]
    (tmp_path / "f.json").write_text(json.dumps({"k": value}))
    with DropInCache(tmp_path / "f.json") as cache:
        f = cache.memoise(lambda key: "computed")
        assert same(cache["k"], value)
        assert same(f("k"), value) and same(f("k"), value)


def test_deep_nesting_is_set_aside_alone(script: Scripts) -> None:
    """10,000 levels overflow no stack: that entry is set aside with a warning, the rest loads."""
    deep = '{"a": 1, "deep": ' + "[" * 10_000 + "]" * 10_000 + ', "b": [2]}'
    (script.folder / "cache_file.json").write_text(deep)
    program = """
    from outlive import memoise
    f = memoise(lambda key: "computed")
    print(f("a"), f("b"), f("deep"), f("deep"))
    """
    ended = script(program)
    assert (ended.out, ended.status) == ("1 [2] computed computed\n", 0)
    assert ended.err.count("CacheFileWarning") == 1
    aside = [name for name in script.files if name != "cache_file.json"]
    assert len(aside) == 1 and aside[0] in ended.err and "cache_file.json" in ended.err
    assert (script.folder / aside[0]).read_text() == deep
    assert script.output(program) == ended.out
    assert len(json.loads((script.folder / "cache_file.json").read_text())) == 3


GOOD = '{"a": 1, "b": [2], "c": "three"'
DAMAGED = {
    "cut in a value": (GOOD[:-4], {"a": 1, "b": [2]}),
    "cut behind a value": (GOOD, {"a": 1, "b": [2], "c": "three"}),
    "garbage": ("\x01\x02 this is no JSON at all", {}),
    "a list": ('["a", 1]', {}),
    "a number": ("17", {}),
    "null": ("null", {}),
    "a text": ('"a"', {}),
    "zeros": ("\0" * 4096, {}),
    "zeros behind the start": (GOOD + "\0" * 500, {"a": 1, "b": [2], "c": "three"}),
    "two objects": (GOOD + "}" + GOOD + "}", {"a": 1, "b": [2], "c": "three"}),
    "single quotes": ("{'a': 1}", {}),
    "a trailing comma": (GOOD + ",}", {"a": 1, "b": [2], "c": "three"}),
    "a merge conflict": (
        '{\n"a": 1,\n<<<<<<< HEAD\n"b": [2],\n=======\n>>>>>>> x\n"c": "three"\n}',
        {"a": 1, "c": "three"},
    ),
}


@pytest.mark.parametrize("which", DAMAGED)
def test_damaged_files_are_set_aside_and_salvaged(script: Scripts, which: str) -> None:
    """A copy of a damaged file is kept, its good entries are used, one warning names both files."""
    text, good = DAMAGED[which]
    (script.folder / "cache_file.json").write_text(text)
    program = """
    from outlive import memoise, cache
    memoise(lambda key: key)("new")
    print(dict(cache))
    """
    ended = script(program)
    found = eval(ended.out)
    assert ended.status == 0 and found.pop("new") == "new"
    assert {key: found.get(key) for key in good} == good
    assert all(found[key] in (1, [2], "three") for key in found)
    aside = [name for name in script.files if name != "cache_file.json"]
    assert len(aside) == 1 and (script.folder / aside[0]).read_text() == text
    assert ended.err.count("CacheFileWarning") == 1
    assert aside[0] in ended.err and "cache_file.json" in ended.err
    assert script(program).err == ""
    assert json.loads((script.folder / "cache_file.json").read_text()) == found | {"new": "new"}


def test_bytes_that_are_no_utf_8_cost_one_entry(script: Scripts) -> None:
    """An entry in another encoding is set aside; the others load."""
    text = b'{"a": 1, "latin": "caf\xe9", "b": 2}'
    (script.folder / "cache_file.json").write_bytes(text)
    ended = script("from outlive import cache; print(dict(cache))")
    assert (ended.out, ended.status) == ("{'a': 1, 'b': 2}\n", 0)
    assert ended.err.count("CacheFileWarning") == 1


BAD_VALUES = ["[1 2]", '{"a"}', "tru", "01", "1.", '"\\x"', "[1,]", "--1", '{"a" 1}', "nul", "+1"]


@pytest.mark.parametrize("bad", BAD_VALUES)
def test_a_bad_value_inside_a_fine_structure_is_a_miss(script: Scripts, bad: str) -> None:
    """An invalid value is computed again; a copy of the file is kept; nothing else is lost."""
    text = f'{{"a": 1,\n"bad": {bad},\n"b": 2}}'
    (script.folder / "cache_file.json").write_text(text)
    program = """
    from outlive import memoise
    f = memoise(lambda key: "computed")
    print(f("a"), f("bad"), f("bad"), f("b"))
    """
    ended = script(program)
    assert (ended.out, ended.status) == ("1 computed computed 2\n", 0)
    assert ended.err.count("CacheFileWarning") == 1
    aside = [name for name in script.files if name != "cache_file.json"]
    assert len(aside) == 1 and (script.folder / aside[0]).read_text() == text
    assert aside[0] in ended.err and "cache_file.json" in ended.err
    assert script.output(program) == ended.out


def test_a_bad_value_that_nobody_uses_does_not_spoil_the_file(script: Scripts) -> None:
    """A save beside a bad value that was never read leaves a file that strict readers accept."""
    (script.folder / "cache_file.json").write_text('{"a": 1, "bad": [1 2], "b": 2}')
    ended = script("from outlive import memoise; print(memoise(lambda key: key)('new'))")
    assert (ended.out, ended.status) == ("new\n", 0)
    found = json.loads((script.folder / "cache_file.json").read_text())
    assert found == {"a": 1, "b": 2, "new": "new"}
    assert any("[1 2]" in (script.folder / name).read_text() for name in script.files)


def test_warnings_about_files_come_from_the_import(tmp_path: Path) -> None:
    """In a cache of one's own the warning comes with the first use, not before."""
    (tmp_path / "f.json").write_text("damaged")
    cache = Cache(tmp_path / "f.json")
    with pytest.warns(CacheFileWarning, match=r"f\.json"):
        assert len(cache) == 0


VIEWS: dict[str, Callable[[Cache], object]] = {
    "dict": dict,
    "items": lambda cache: dict(cache.items()),
    "values": lambda cache: {"a": next(iter(cache.values())), "c": list(cache.values())[-1]},
    "comprehension": lambda cache: {key: cache[key] for key in cache},
    "equality": lambda cache: {"a": 1, "c": "x"} if cache == {"a": 1, "c": "x"} else cache,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("journal", [False, True], ids=["alone", "with a journal"])
def test_a_damaged_value_between_good_ones(tmp_path: Path, view: str, journal: bool) -> None:
    """A value that is not JSON is left out of every view, with a warning and a copy of the file."""
    path = tmp_path / "f.json"
    path.write_text('{\n"a": 1,\n"b": [1, 2, nul],\n"c": "x"\n}\n')
    if journal:
        run_and_die(path, 'cache["c"] = "x"')
    with pytest.warns(CacheFileWarning, match="damaged|no valid|not valid"):
        cache = Cache(path)
        assert VIEWS[view](cache) == {"a": 1, "c": "x"}
        cache.close()
    assert len(list(tmp_path.glob("f.json.damaged-*"))) == 1


def run_and_die(path: Path, line: str) -> None:
    """Let another process change the cache and end without a save."""
    program = (
        f"import os\nfrom outlive import Cache\ncache = Cache({str(path)!r})\n{line}\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"name": "x", "version": "1.0.0", "scripts": {"test": "true"}}'),
        ("main.py", "import os\nprint(os.name)\n"),
        ("notebook.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    ],
)
def test_a_file_of_somebody_else_is_not_taken_over(
    tmp_path: Path, kind: type[Cache], name: str, text: str
) -> None:
    """A file that is plainly not a cache stays as it is, with nothing beside it; calls compute."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.warns(CacheFileWarning, match="no cache"), kind(path) as cache:

        @cache.memoise
        def double(number: int) -> int:
            return 2 * number

        assert double(21) == 42
        assert "name" not in cache
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_text() == text


def test_what_is_erased_is_gone_from_the_disk(tmp_path: Path) -> None:
    """forget(..., erase=True) leaves no trace: not in the file, a journal or a damaged copy."""
    path = tmp_path / "f.json"
    path.write_text('{\n"ask(prompt)": "secret words",\n"b": [1, 2, nul],\n"c": "x"\n')
    with pytest.warns(CacheFileWarning, match="damaged"), Cache(path) as cache:
        cache["ask(again)"] = "secret words, too"
        assert any(b"secret" in file.read_bytes() for file in tmp_path.glob("f.json.*"))
        assert cache.forget("ask(*", erase=True) == 2
        assert not any(b"secret" in file.read_bytes() for file in tmp_path.iterdir())
        assert dict(cache) == {"c": "x"}


OTHERS = {
    "map.geojson": '{"type": "FeatureCollection", "features": []}',
    "composer.lock": '{"content-hash": "c", "packages": []}',
    "appsettings.json": '{"Logging": {}, "AllowedHosts": "*"}',
    "settings.json": '{"$schema": "https://json.schemastore.org/x", "a": 1}',
    "cookies.json": '[{"name": "a", "value": "b"}]',
    "events.jsonl": '{"a": 1}\n{"a": 2}\n',
    ".env": "TOKEN=abc\nDEBUG=1\n",
    "id_rsa": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n",
    "page.xml": "<?xml version='1.0'?><a/>",
    "results.zip": "PK\x03\x04\x00\x00",
    "model.bin": "\x7fELF\x02\x01",
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_others_are_left_alone(tmp_path: Path, kind: type[Cache], name: str) -> None:
    """What is plainly another program's file is not set aside and not written; calls compute."""
    path = tmp_path / name
    path.write_text(OTHERS[name])
    cache = kind(path)

    @cache.memoise
    def f(x: str) -> list[str]:
        return [x]

    with pytest.warns(CacheFileWarning, match="looks like somebody else's"):
        assert f("a") == ["a"]
    cache.close()
    assert path.read_text() == OTHERS[name]
    assert [each.name for each in tmp_path.iterdir()] == [name]
