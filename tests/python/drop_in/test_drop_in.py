"""The drop-in: four names, one file, and results that outlive the process."""

from __future__ import annotations

import json
from typing import Any

import pytest

import outlive
from outlive._drop_in import DropInCache
from support.programs import Scripts

COUNTING = """
from outlive import memoise, cache, cache_file, save_cache

@memoise
def double(x):
    print("computed", x)
    return [x, x]

"""


def test_results_outlive_the_process(script: Scripts) -> None:
    """A result that one process computed is not computed again by the next."""
    program = COUNTING + "print(double('a'), double('a'))"
    assert script.output(program) == "computed a\n['a', 'a'] ['a', 'a']\n"
    assert script.output(program) == "['a', 'a'] ['a', 'a']\n"


def test_file_is_what_the_original_wrote(script: Scripts) -> None:
    """The file is one flat JSON object, named as the original's, and nothing else is left."""
    script.output(COUNTING + "double('a'); double('\\u00e9')")
    text = (script.folder / "cache_file.json").read_text(encoding="ascii")
    assert json.loads(text) == {"a": ["a", "a"], "é": ["é", "é"]}
    assert script.files == ["cache_file.json"]


def test_all_names_are_exactly_the_four_and_the_alias() -> None:
    """A star import brings the original's four names and ``memoize``, and shadows nothing else."""
    names: dict[str, object] = {}
    exec("from outlive import *", names)
    names.pop("__builtins__")
    assert set(names) == {"memoise", "memoize", "cache", "cache_file", "save_cache"}
    assert sorted(outlive.__all__) == sorted(names)


def test_names_are_of_the_original_kind(script: Scripts) -> None:
    """``cache_file`` is the text ``cache_file.json`` and ``save_cache`` takes no arguments."""
    program = "from outlive import *; print(repr(cache_file), save_cache(), len(cache))"
    assert script.output(program) == "'cache_file.json' None 0\n"
    assert script.files == []


def test_unknown_names_are_attribute_errors() -> None:
    """A name that the package does not have raises AttributeError, as with any module."""
    with pytest.raises(AttributeError, match="nonsense"):
        _ = outlive.nonsense
    with pytest.raises(ImportError):
        exec("from outlive import nonsense")
    assert set(outlive.__all__) <= set(dir(outlive))


@pytest.mark.parametrize("use", ["@memoise", "@memoise()", "@memoize", "@memoize()"])
def test_every_way_to_decorate(script: Scripts, use: str) -> None:
    """``@memoise``, ``@memoise()`` and the alias ``memoize`` are one."""
    program = f"from outlive import memoise, memoize\n{use}\ndef f(x): print(x); return x\n"
    assert script.output(program + "f(1); f(1)") == "1\n"


def test_outlive_file_names_another_file(script: Scripts) -> None:
    """The environment variable OUTLIVE_FILE names the file, and ``cache_file`` says so."""
    program = COUNTING + "double(1); print(cache_file)"
    assert script(program, OUTLIVE_FILE="other.json").out.endswith("other.json\n")
    assert script.files == ["other.json"]


def test_file_is_taken_from_the_directory_of_the_import(script: Scripts) -> None:
    """A later ``os.chdir`` does not move the file."""
    (script.folder / "below").mkdir()
    script.output(COUNTING + "import os; os.chdir('below'); double(1)")
    assert script.files == ["below", "cache_file.json"]
    assert not list((script.folder / "below").iterdir())


TRACED = """
import sys
opened = []
def watch(event, arguments):
    if event == "open" and "cache_file" in str(arguments[0]):
        opened.append(arguments[0])
sys.addaudithook(watch)
"""


def test_importing_the_package_alone_touches_no_file(script: Scripts) -> None:
    """``import outlive`` and a ``Cache`` of one's own leave the default file unread."""
    (script.folder / "cache_file.json").write_text("damaged")
    script.output("import outlive; outlive.Cache('own.json'); from outlive import Cache, configure")
    assert (script.folder / "cache_file.json").read_text() == "damaged"
    assert script.files == ["cache_file.json"]


def test_importing_a_name_of_the_drop_in_loads_the_file(script: Scripts) -> None:
    """The file is read when one of the four names is imported, as the original did."""
    (script.folder / "cache_file.json").write_text('{"a": 1}')
    program = """
    from outlive import cache, memoise
    print(cache._state.core.is_loaded)
    f = memoise(lambda x: "computed")
    print(f("a"))
    """
    assert script.output(program) == "True\n1\n"


def test_a_deleted_file_is_a_deleted_cache(script: Scripts) -> None:
    """A user who deletes the file while a program runs has deleted the cache."""
    (script.folder / "cache_file.json").write_text('{"a": 1}')
    program = """
    from outlive import memoise
    import os
    os.remove("cache_file.json")
    f = memoise(lambda x: "computed")
    print(f("a"))
    """
    assert script.output(program) == "computed\n"


def test_nothing_is_written_unless_something_was_computed(script: Scripts) -> None:
    """Programs that only import, or only hit, leave the file alone."""
    script.output(COUNTING)
    assert script.files == []
    script.output(COUNTING + "double('a')")
    before = (script.folder / "cache_file.json").stat()
    script.output(COUNTING + "double('a'); save_cache()")
    after = (script.folder / "cache_file.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


ENDINGS = {
    "falls off its end": ("", 0),
    "sys.exit": ("import sys; sys.exit(3)", 3),
    "an exception": ("raise ValueError('mine')", 1),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", -2),
    "os._exit": ("import os; os._exit(4)", 4),
    "SIGTERM": ("import os; os.kill(os.getpid(), 15)", -15),
    "SIGKILL": ("import os; os.kill(os.getpid(), 9)", -9),
    "abort": ("import os; os.abort()", -6),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_end_of_a_program_keeps_its_results(script: Scripts, ending: str) -> None:
    """However a process ends, its results are there afterwards, and its status is its own."""
    source, status = ENDINGS[ending]
    ended = script(COUNTING + "double('a')\n" + source)
    assert ended.status == status
    assert script.output(COUNTING + "double('a')") == ""
    assert script.files == ["cache_file.json"]


def test_save_cache_saves_now(script: Scripts) -> None:
    """After ``save_cache()`` the file holds all results, in the middle of the program."""
    program = COUNTING + "double('a'); save_cache()\nwith open(cache_file) as f: print(f.read())"
    assert json.loads(script.output(program).split("\n", 1)[1]) == {"a": ["a", "a"]}


def test_several_functions_share_the_cache(drop_in: DropInCache) -> None:
    """All functions answer from one cache, keyed by the first argument alone, as the original."""

    @drop_in.memoise
    def first(uri: str) -> list[str]:
        return ["first", uri]

    @drop_in.memoise
    def second(uri: str) -> list[str]:
        return ["second", uri]

    assert first("a") == ["first", "a"]
    with pytest.warns(outlive.KeyCollisionWarning):
        assert second("a") == ["first", "a"]


@pytest.mark.parametrize("kept", [None, False, 0, "", [], {}], ids=repr)
def test_empty_results_are_kept(drop_in: DropInCache, kept: object) -> None:
    """``None``, ``False`` and empty containers are results like any other."""
    calls: list[str] = []

    @drop_in.memoise
    def f(key: str) -> object:
        calls.append(key)
        return kept

    assert [f("k"), f("k"), f("k")] == [kept] * 3
    assert calls == ["k"]


def test_exceptions_are_not_kept(drop_in: DropInCache) -> None:
    """A call that raised is computed again, and leaves no entry."""
    calls: list[str] = []

    @drop_in.memoise
    def f(key: str) -> str:
        calls.append(key)
        if len(calls) < 3:
            raise ValueError(key)
        return "at last"

    for _ in range(2):
        with pytest.raises(ValueError, match="k"):
            f("k")
        assert len(drop_in) == 0
    assert [f("k"), f("k"), len(calls)] == ["at last", "at last", 3]


def test_nobody_can_change_what_is_kept(drop_in: Any) -> None:
    """The first result, hits and ``cache[key]`` are copies at any depth: nothing grows the cache."""
    f = drop_in.memoise(lambda key: [[1], {"a": [2]}])
    for served in (f("k"), f("k"), f("k"), drop_in["k"]):
        assert served == [[1], {"a": [2]}]
        served += ["grown"]
        served[0] += ["grown"]
        served[1]["a"].append("grown")
    assert f("k") == drop_in["k"] == [[1], {"a": [2]}]


def test_cache_feels_like_a_dict(drop_in: DropInCache) -> None:
    """``in``, ``[]``, ``del``, ``len``, ``get``, ``pop``, ``update``, ``==`` and order are a dict's."""
    drop_in["b"] = 1
    drop_in.update({"a": [2]}, c=None)
    assert list(drop_in) == ["b", "a", "c"]
    assert drop_in == {"b": 1, "a": [2], "c": None} == dict(drop_in)
    assert drop_in != {"b": 1}
    assert "a" in drop_in and "x" not in drop_in and len(drop_in) == 3
    del drop_in["b"]
    assert (drop_in.pop("c"), drop_in.get("x", 7), drop_in.setdefault("a", 9)) == (None, 7, [2])
    assert list(drop_in.items()) == [("a", [2])] and list(drop_in.values()) == [[2]]
    with pytest.raises(KeyError, match="gone"):
        drop_in["gone"]
    with pytest.raises(KeyError, match="gone"):
        del drop_in["gone"]
    drop_in.clear()
    assert len(drop_in) == 0 and not drop_in and drop_in == {}


def test_last_in_first_out(drop_in: DropInCache) -> None:
    """``popitem`` takes the newest entry, and ``reversed`` begins with it, as with a dict."""
    drop_in.update(a=1, b=2, c=3)
    assert list(reversed(drop_in)) == ["c", "b", "a"]
    assert [drop_in.popitem(), drop_in.popitem(), list(drop_in)] == [("c", 3), ("b", 2), ["a"]]


def test_entries_may_go_while_they_are_listed(drop_in: DropInCache) -> None:
    """Iterating goes over the keys of that moment, so entries may be deleted on the way."""
    drop_in.update({str(n): n for n in range(10)})
    for key in drop_in:
        del drop_in[key]
    assert len(drop_in) == 0


def test_what_is_put_in_is_served(drop_in: DropInCache) -> None:
    """An entry that the program sets or deletes by itself is what calls find, or miss."""
    f = drop_in.memoise(lambda key: "computed")
    drop_in["a"] = "given"
    assert f("a") == f("a") == "given"
    drop_in["a"] = "given anew"
    assert f("a") == "given anew"
    del drop_in["a"]
    assert f("a") == "computed"


def test_repr_tells_the_path_and_the_number_of_entries(drop_in: DropInCache) -> None:
    """``repr`` shows where the entries are and how many, not what they hold."""
    drop_in["secret"] = "value"
    assert str(drop_in.path) in repr(drop_in) and "1" in repr(drop_in)
    assert "secret" not in repr(drop_in) and "value" not in repr(drop_in)


def test_two_caches_are_equal_by_content(drop_in: DropInCache) -> None:
    """A cache equals a dict or cache of the same entries, nothing else, and has no hash."""
    other = outlive.Cache()
    assert drop_in == DropInCache(drop_in.path) == other
    other["a"] = 1
    assert drop_in != other
    assert drop_in != 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(drop_in)


def test_a_deleted_file_is_a_clean_reset(script: Scripts) -> None:
    """Deleting the file between two runs makes the second begin anew."""
    program = COUNTING + "double('a')"
    script.output(program)
    (script.folder / "cache_file.json").unlink()
    assert script.output(program) == "computed a\n"


def test_configure_names_the_file_before_the_first_use(script: Scripts) -> None:
    """``outlive.configure(file=...)`` counts from before the import of the names; later it raises."""
    program = """
    import outlive
    outlive.configure(file="mine.json")
    from outlive import memoise, cache_file
    memoise(lambda x: x)(1)
    print(cache_file)
    try:
        outlive.configure(file="late.json")
    except RuntimeError as error:
        print("mine.json" in str(error), "OUTLIVE_FILE" in str(error))
    """
    assert script.output(program) == "mine.json\nTrue True\n"
    assert script.files == ["mine.json"]


def test_wrong_uses_are_told_at_once(drop_in: Any) -> None:
    """Decorating something else than a function, or with an unknown option, is a TypeError."""
    with pytest.raises(TypeError, match="function"):
        drop_in.memoise("text")
    with pytest.raises(TypeError, match="tll"):
        drop_in.memoise(tll=3)
    with pytest.raises(TypeError, match="ttl"):
        drop_in.memoise(expire_after=3)

    def numbers(n: int) -> object:
        yield n

    with pytest.raises(TypeError, match="generator"):
        drop_in.memoise(numbers)
