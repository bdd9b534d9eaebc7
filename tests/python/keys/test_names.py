"""The names of functions in keys: the same in every process, and never two under one unnoticed."""

from __future__ import annotations

import functools
import gc
import importlib
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, KeyCollisionWarning
from support.programs import run


def test_functions_are_named_after_their_module() -> None:
    """A key begins with module.qualname, also for nested functions; a lambda adds a digest."""
    cache = Cache(None)

    @cache.memoise
    def nested() -> None: ...

    start = f"{__name__}.test_functions_are_named_after_their_module.<locals>"
    assert nested.cache_key() == f"{start}.nested()"
    key = cache.memoise(lambda: None).cache_key()
    assert re.fullmatch(rf"{re.escape(start)}\.<lambda>\(~[a-z2-7]{{8}}\)", key)


PROGRAM = """
    from outlive import Cache
    cache = Cache("c.json")
    @cache.memoise
    def answer(x):
        print("computed")
        return x
    if __name__ == "__main__":
        answer(1)
        print(answer.cache_key(1))
"""


def test_a_script_and_its_import_share_entries(tmp_path: Path) -> None:
    """A function of a program has one name, run as a script, with -m, or imported."""
    assert run(tmp_path, PROGRAM, name="tool.py") == "computed\ntool.answer(x=1)\n"
    imports = run(tmp_path, "import tool; tool.answer(1); print(tool.answer.cache_key(1))")
    assert imports == "tool.answer(x=1)\n"
    with_m = run(tmp_path, "import runpy; runpy.run_module('tool', run_name='__main__')")
    assert with_m == "tool.answer(x=1)\n"


CLASSES = """
    import enum, multiprocessing
    from outlive import Cache
    cache = Cache("c.json")
    class NotFoundError(Exception): ...
    Color = enum.Enum("Color", "RED")
    class Client:
        def __memo_key__(self): return "host"
        @cache.memoise
        def get(self, color):
            print("computed", flush=True)
            return self.__memo_key__()
    @cache.memoise(cache_errors={NotFoundError: "1d"})
    def look(x):
        print("looked", flush=True)
        raise NotFoundError(x)
    def work(x):
        Client().get(Color.RED)
        try:
            look(x)
        except NotFoundError:
            return list(cache)[0]
    if __name__ == "__main__":
        print(work(1))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(*pool.map(work, [1]))
"""


def test_a_programs_classes_have_one_name(tmp_path: Path) -> None:
    """A class of a program has one name in keys, run as a script, imported or spawned."""
    key = 'tool.Client.get(self=tool.Client("host"), color=tool.Color("RED"))\n'
    assert run(tmp_path, CLASSES, name="tool.py") == "computed\nlooked\n" + key + key
    assert run(tmp_path, "import tool; print(tool.work(1))") == key


def test_a_package_run_with_m_has_the_packages_name(tmp_path: Path) -> None:
    """python -m package names functions after the package, not after __main__."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    run(package, PROGRAM, name="__main__.py")
    program = """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-m", "package"], capture_output=True).stdout.decode())
    """
    assert "package.answer(x=1)" in run(tmp_path, program)


def test_spawned_processes_have_the_programs_names(tmp_path: Path) -> None:
    """A worker that multiprocessing spawns uses the entries of its parent program."""
    program = """
        import multiprocessing
        from outlive import Cache
        cache = Cache("c.json")
        @cache.memoise
        def answer(x):
            print("computed", flush=True)
            return x
        def key(x):
            return answer.cache_key(x), answer(x)
        if __name__ == "__main__":
            answer(1)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(key, [1]))
    """
    assert run(tmp_path, program, name="job.py") == ("computed\n[('job.answer(x=1)', 1)]\n")


def test_notebook_cells_keep_their_entries(tmp_path: Path) -> None:
    """In a notebook (no file) a cell that is run again uses its entries, without a warning."""
    module, calls = types.ModuleType("__main__"), list[int]()
    cache = Cache(None)
    cell = "@cache.memoise\ndef fetch(x):\n    calls.append(x)\n    return x\nfetch(1)\n"
    module.__dict__.update(cache=cache, calls=calls)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setitem(sys.modules, "__main__", module)
        for _ in range(3):
            exec(compile(cell, "<cell>", "exec"), module.__dict__)
        assert list(cache) == ["__main__.fetch(x=1)"]
    assert calls == [1]


def test_a_cell_of_any_namespace_may_be_run_again() -> None:
    """Running the same source twice by exec replaces its functions: that is no collision."""
    cell = "@cache.memoise\ndef fetch(x):\n    return x\n"
    names = {"__name__": "no.such.module", "cache": Cache(None)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(cell, "<cell 1>", "exec"), names)
        exec(compile(cell, "<cell 2>", "exec"), names)


def test_name_replaces_the_name() -> None:
    """name= keeps entries when a function moves or is renamed."""
    cache = Cache(None)
    first = cache.memoise(name="fetch")(lambda x: x)
    second = cache.memoise(name="fetch", version=2)(lambda x: x)
    assert first.cache_key(1) == "fetch(x=1)"
    assert second.cache_key(1) == "fetch@2(x=1)"


@pytest.mark.parametrize(
    ("name", "error"), [("", ValueError), ("a(b", ValueError), ("a@1", ValueError), (1, TypeError)]
)
def test_a_name_that_cannot_be_one_is_refused(name: Any, error: type[Exception]) -> None:
    """A name must be a str without the characters that keys reserve."""
    with pytest.raises(error, match="name="):
        Cache(None).memoise(name=name)(lambda: None)


def test_odd_names_of_functions_do_not_forge_keys() -> None:
    """A function whose __qualname__ looks like a call is not taken for another one."""
    cache = Cache(None)

    def plain(x: Any) -> str:
        return "plain"

    def odd(x: Any) -> str:
        return "odd"

    plain.__qualname__ = "f"
    for name in ('f(x="', "f(x=1", "f@1", "f[1]", "f\x00"):
        odd.__qualname__ = name
        key = cache.memoise(odd).cache_key(1)
        assert key.startswith('"')
        assert cache.memoise(plain).cache_key(1) == f"{__name__}.f(x=1)"


def test_partials_are_told_apart_by_what_they_bind() -> None:
    """A partial's bound arguments stand in the name, so two partials do not share entries."""
    cache = Cache(None)

    def power(base: int, exponent: int) -> int:
        return int(base**exponent)

    square, cube = (
        cache.memoise(functools.partial(power, exponent=exponent)) for exponent in (2, 3)
    )
    assert (square(2), cube(2), square(2)) == (4, 8, 4)
    assert len(cache) == 2


def test_a_partial_that_binds_what_has_no_key_needs_a_name() -> None:
    """A partial over an object without a key is refused; the message suggests a name."""
    with pytest.raises(TypeError, match=r"name="):
        Cache(None).memoise(functools.partial(print, object()))


def test_a_callable_object_needs_a_name() -> None:
    """An object that is called like a function has no name of its own: name= gives it one."""

    class Adder:
        def __call__(self, x: int) -> int:
            return x + 1

    with pytest.raises(TypeError, match=r"name="):
        Cache(None).memoise(Adder())
    assert Cache(None).memoise(name="adder")(Adder())(1) == 2


def test_functions_written_in_c_can_be_memoised() -> None:
    """Functions of C modules have keys, too, whether they tell their parameters or not."""
    cache = Cache(None)
    assert cache.memoise(len)([1, 2]) == 2
    assert cache.memoise(max)(3, 1) == 3
    assert list(cache) == ["builtins.len(obj=[1, 2])", "builtins.max(*args=(3, 1))"]


def test_an_older_function_of_one_name_warns_across_cache_objects(tmp_path: Path) -> None:
    """It does not matter whether two functions were memoised by one Cache object or by two."""

    def first() -> int:
        return 1

    def second() -> int:
        return 2

    second.__qualname__ = first.__qualname__
    memoised = Cache(tmp_path / "c.json").memoise(first)
    later = Cache(tmp_path / "c.json").memoise(second)
    with pytest.warns(KeyCollisionWarning, match="first"):
        assert memoised() == 1
    assert later() == 2


def test_a_function_memoised_twice_is_no_collision() -> None:
    """The same function may be memoised again, say with other options; so may a nested one."""
    cache = Cache(None)

    def make() -> Any:
        @cache.memoise
        def inner(x: int) -> int:
            return x

        return inner

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = make(), make()
        again = cache.memoise(ttl="1h")(first.__wrapped__)
    assert first is not second
    assert again(1) == first(1) == second(1) == 1


def test_a_dead_function_leaves_its_name() -> None:
    """A function that was dropped collides with none."""
    cache = Cache(None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.memoise(name="f")(lambda: 1)
        gc.collect()
        assert cache.memoise(name="f")(lambda: 2)() == 2


MODULE = """
from outlive import Cache
cache = Cache(None)
@cache.memoise
def function(): ...
class Class:
    @cache.memoise(ignore=("self",))
    def method(self): ...
    @classmethod
    @cache.memoise
    def made(cls): ...
    @staticmethod
    @cache.memoise
    def static(): ...
    @property
    @cache.memoise(ignore=("self",))
    def shown(self): ...
"""


def test_a_reloaded_module_is_no_collision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """importlib.reload replaces functions and methods of every kind without a warning."""
    (tmp_path / "reloaded.py").write_text(MODULE.replace("Cache(None)", "Cache('c.json')"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("reloaded")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.reload(module)
