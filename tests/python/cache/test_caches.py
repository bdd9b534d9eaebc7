"""Caches of one's own as objects: files, mappings, context managers."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning, OutliveWarning
from outlive._drop_in import DropInCache
from support.files import results
from support.programs import run


def test_nothing_is_read_or_written_before_the_first_use(tmp_path: Path) -> None:
    """A Cache may be made in a folder that does not exist, and its functions decorated."""
    path = tmp_path / "missing" / "c.json"
    cache = Cache(path, ttl="1d", maxsize=10)
    function = cache.memoise(lambda x: x, name="f")
    assert not cache._state.core.is_loaded
    assert function.cache_parameters()["maxsize"] is None
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    path.write_text(json.dumps({function.cache_key(1): "kept"}))
    assert function(1) == "kept"


def test_no_system_call_names_the_file_before_the_first_use(tmp_path: Path) -> None:
    """Not even the file's existence is checked: an audit sees no open before the first call."""
    program = """
        import os, sys
        import outlive
        seen = []
        sys.addaudithook(lambda event, args: seen.append(event) if "c.json" in str(args) else None)
        for name in ("stat", "lstat", "readlink"):
            real = getattr(os, name)
            setattr(os, name, lambda path, *a, real=real, **k: (
                seen.append(path) if "c.json" in str(path) else None, real(path, *a, **k))[1])
        function = outlive.Cache("c.json").memoise(lambda x: x)
        print(seen)
        print(os.listdir("."))
        function(1)
        print(sorted(name for name in os.listdir(".") if name.startswith("c.json"))[0])
    """
    lines = run(tmp_path, program).splitlines()
    assert lines[0] == "[]"
    assert lines[1] == "['program.py']"
    assert lines[2].startswith("c.json")


def test_closing_is_idempotent_and_a_closed_cache_opens_again(tmp_path: Path) -> None:
    """close() saves; it may be called again and again, and the next use opens the file."""
    path = tmp_path / "c.json"
    cache = Cache(path)
    cache.close()
    assert not path.exists()
    for number in range(3):
        cache[str(number)] = number
        cache.close()
        cache.close()
        assert [file.name for file in tmp_path.iterdir()] == ["c.json"]
        assert len(results(path)) == number + 1
    assert dict(cache) == {"0": 0, "1": 1, "2": 2}


def test_with_closes(tmp_path: Path) -> None:
    """A with block saves and closes at its end, also when it is left by an exception."""
    path = tmp_path / "c.json"
    cache = Cache(path)
    with pytest.raises(ZeroDivisionError), cache:
        cache["a"] = 1 / (cache.setdefault("b", 1) - 1)
    assert results(path) == {"b": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]


def test_two_objects_on_one_path_share_their_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever way the path is written, Cache objects on one file see each other's entries."""
    monkeypatch.chdir(tmp_path)
    one, two = Cache("c.json"), Cache(tmp_path / "x" / ".." / "c.json")
    calls: list[int] = []

    def function(x: int) -> int:
        calls.append(x)
        return x

    first, second = one.memoise(function), two.memoise(function)
    assert [first(1), second(1), first(2), second(2)] == [1, 1, 2, 2]
    assert calls == [1, 2]
    assert one == two
    assert list(one) == list(two)
    one.clear()
    assert len(two) == 0
    second(1)
    assert calls == [1, 2, 1]


def test_caches_in_memory_share_nothing() -> None:
    """Cache(None) is a cache of its own each time, and touches no file."""
    one, two = Cache(None), Cache()
    one["a"] = 1
    assert (len(one), len(two)) == (1, 0)
    assert one.path is None
    one.save()
    one.close()
    assert dict(one) == {"a": 1}


def test_a_dropped_cache_has_lost_nothing(tmp_path: Path) -> None:
    """A Cache object that is dropped without close() leaves its results on disk."""
    path = tmp_path / "c.json"
    Cache(path)["a"] = 1
    gc.collect()
    assert dict(Cache(path)) == {"a": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="no variable moves the folder there")
def test_the_platform_s_folder(tmp_path: Path) -> None:
    """Cache(app="name") is cache.json in the platform's cache folder of that application."""
    program = """
        from outlive import Cache
        with Cache(app="demo") as cache:
            cache["a"] = 1
        print(cache.path)
    """
    home = {"XDG_CACHE_HOME": str(tmp_path / "caches"), "HOME": str(tmp_path)}
    path = Path(run(tmp_path, program, **home).strip())
    assert path.name == "cache.json"
    assert path.parent.name == "demo"
    assert path.is_relative_to(tmp_path)
    assert results(path) == {"a": 1}


def test_a_relative_path_counts_from_the_folder_of_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of the working directory does not move the file."""
    monkeypatch.chdir(tmp_path)
    cache = Cache("c.json")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    cache["a"] = 1
    cache.close()
    assert (tmp_path / "c.json").exists()
    assert cache.path == str(tmp_path / "c.json")


def test_a_cache_is_a_mapping() -> None:
    """Everything that a dict of key texts can do, with copies of the values."""
    cache = Cache(None)
    assert isinstance(cache, MutableMapping)
    cache.update(a=[1], b=2)
    cache.setdefault("c", {"x": 1})["x"] = 2
    cache["a"].append(2)
    assert cache == {"a": [1], "b": 2, "c": {"x": 1}}
    assert list(cache) == ["a", "b", "c"]
    assert cache.pop("b") == 2
    assert cache.pop("b", None) is None
    assert cache.popitem()
    assert "a" in cache or "c" in cache
    other: Any = 5
    assert other not in cache
    with pytest.raises(KeyError, match="missing"):
        cache["missing"]
    with pytest.raises(KeyError, match="missing"):
        del cache["missing"]
    with pytest.raises(TypeError, match="keys are str"):
        cache[5]  # type: ignore[index]
    with pytest.raises(TypeError, match="unhashable"):
        hash(cache)


def test_entries_can_be_reached_by_the_functions_key() -> None:
    """The key text of a call is the mapping's key."""
    cache = Cache(None)
    function = cache.memoise(lambda x: [x])
    function(1)
    assert cache[function.cache_key(1)] == [1]
    cache[function.cache_key(1)] = ["changed"]
    assert function(1) == ["changed"]
    del cache[function.cache_key(1)]
    assert function(1) == [1]


def test_an_empty_path_is_refused() -> None:
    """An empty path is a mistake, not a name for the working directory."""
    with pytest.raises(ValueError, match="must not be empty"):
        Cache("")


def test_repr_names_the_file_and_the_number_of_entries(tmp_path: Path) -> None:
    """repr shows where the cache is and how much it holds, never what."""
    cache = Cache(tmp_path / "c.json")
    cache["secret"] = "secret"
    assert repr(cache) == f"<outlive.Cache {str(tmp_path / 'c.json')!r}: 1 entry>"
    assert repr(Cache(None)) == "<outlive.Cache in memory: 0 entries>"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (((5,), {}), TypeError, "path"),
        ((("a.json",), {"app": "b"}), TypeError, "path or app="),
        (((), {"app": 5}), TypeError, "app="),
        (((), {"durability": "maybe"}), ValueError, "durability=.*'flush'.*'fsync'"),
        (((), {"maxsize": 0}), ValueError, "maxsize="),
        (((), {"max_bytes": -1}), ValueError, "max_bytes="),
        (((), {"max_bytes": "1M"}), TypeError, "max_bytes="),
        (((), {"ttl": "soon"}), ValueError, "ttl="),
        (((), {"clock": 5}), TypeError, "clock=.*callable"),
        (((), {"key": "all"}), TypeError, "key"),
        (((), {"expire": 5}), TypeError, "expire.*ttl"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: tuple[tuple[Any, ...], dict[str, Any]], error: type[Exception], words: str
) -> None:
    """Each message names the option and what it takes."""
    positional, named = arguments
    with pytest.raises(error, match=words):
        Cache(*positional, **named)


def test_a_second_object_may_ask_for_more_durability(tmp_path: Path) -> None:
    """Two Cache objects on one path that differ in durability: that is refused, not ignored."""
    path = tmp_path / "c.json"
    first = Cache(path)
    with pytest.raises(ValueError, match="durability="):
        Cache(path, durability="fsync")
    assert first.path == str(path)


def test_options_of_the_cache_are_defaults_of_its_functions() -> None:
    """A function's own options override those of its cache."""
    cache = Cache(None, copy=False)
    shared = cache.memoise(name="shared")(lambda: [1])
    copied = cache.memoise(name="copied", copy=True)(lambda: [1])
    shared(), copied()
    assert shared() is shared()
    assert copied() is not copied()


def test_copies_of_a_cache_are_the_cache(tmp_path: Path) -> None:
    """A copy is the cache itself; pickling it is refused with advice, as it stands for a file."""
    cache = Cache(tmp_path / "c.json")
    assert copy.copy(cache) is cache and copy.deepcopy({"in": cache})["in"] is cache
    with pytest.raises(TypeError, match=r"Cache\(path\)"):
        pickle.dumps(cache)


def test_what_another_process_stored_is_found(tmp_path: Path) -> None:
    """Looking for an entry, by key or through its function, sees what others stored meanwhile."""
    cache = Cache(tmp_path / "c.json")
    function: Any = cache.memoise(lambda x: x, name="f")
    function(0)
    program = "from outlive import Cache; Cache('c.json')[{!r}] = 1; import os; os._exit(0)"
    looks: dict[str, Callable[[], bool]] = {
        "f(x=1)": lambda: function.peek(1) == 1,
        "f(x=2)": lambda: function.cache_contains(2),
        "a": lambda: "a" in cache,
        "b": lambda: cache["b"] == 1,
    }
    for key, look in looks.items():
        subprocess.run([sys.executable, "-c", program.format(key)], cwd=tmp_path, check=True)
        assert look(), key


def test_a_cache_is_used_as_a_dict(drop_in: DropInCache) -> None:
    """``copy``, ``|``, ``|=`` and ``json.dumps(dict(cache))`` are those of the dict that it replaces."""
    drop_in["a"] = [1]
    copied = drop_in.copy()
    assert type(copied) is dict
    assert drop_in | {"b": 2} == {"a": [1], "b": 2}
    assert {"a": 0, "c": 3} | drop_in == {"a": [1], "c": 3}
    drop_in |= {"b": 2}
    assert json.dumps(dict(drop_in)) == '{"a": [1], "b": 2}'
    assert copied == {"a": [1]}


def test_changes_of_what_setdefault_gives_are_told_of(drop_in: DropInCache) -> None:
    """``setdefault(key, []).append(...)`` changes a copy: one warning says so, and how it is done."""
    with pytest.warns(OutliveWarning, match=r"cache\[key\] = value") as told:
        drop_in.setdefault("k", []).append(1)
        drop_in.setdefault("k", []).append(2)
    assert len(told) == 1
    assert drop_in["k"] == []
    assert drop_in.setdefault("n", 5) == drop_in.setdefault("n", 6) == 5


def test_an_empty_file_is_a_new_beginning(tmp_path: Path) -> None:
    """An empty file is no damage: the warning says that the cache starts afresh."""
    path = tmp_path / "cache_file.json"
    path.touch()
    with (
        pytest.warns(CacheFileWarning, match="is empty: starting afresh"),
        DropInCache(path) as cache,
    ):
        assert len(cache) == 0
