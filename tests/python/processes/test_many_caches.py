"""A program may have more caches than descriptors: one for each of its tenants."""

from __future__ import annotations

import sys

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")

#: Many caches, few descriptors, and no word about it.
BEGIN = """
import json, os, resource, threading, warnings
from pathlib import Path
from outlive import Cache

warnings.simplefilter("error")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
caches = [Cache(f"tenant-{n}.json") for n in range(300)]
functions = [cache.memoise(lambda x, n=n: [n, x], name="f", ignore=("n",))
             for n, cache in enumerate(caches)]

def use(x, numbers=range(300)):
    for n in numbers:
        assert functions[n](x) == [n, x]

def found():
    return [len(json.loads(path.read_text())) for path in Path().glob("tenant-*.json")]
"""


def test_more_caches_than_descriptors(script: Scripts) -> None:
    """Three hundred caches share 64 descriptors: idle ones are closed, and nothing is lost."""
    program = (
        BEGIN
        + """
use(1), use(2), use(1)
spare = [os.open("/dev/null", os.O_RDONLY) for _ in range(25)]  # the program needs some, too
for cache in caches:
    cache.close()
assert found() == [3] * 300, found()
"""
    )
    assert script.output(program) == ""
    left = {path.suffix for path in script.folder.iterdir()}
    assert left == {".json", ".py"}


def test_threads_with_more_caches_than_descriptors(script: Scripts) -> None:
    """Threads that use hundreds of caches at once close each other's idle files."""
    program = (
        BEGIN
        + """
errors = []
def work(x):
    try:
        use(x, range(0, 300, 2)), use(x, range(299, 0, -3))
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=work, args=(x,)) for x in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
assert not errors, errors
"""
    )
    assert script.output(program) == ""
    again = BEGIN + "def fail(x): raise AssertionError(x)\n"
    again += """
for n in range(0, 300, 2):
    for x in range(4):
        assert caches[n].memoise(lambda x: fail(x), name="f", on_code_change="ignore")(x) == [n, x]
"""
    assert script.output(again) == ""


def test_a_killed_program_with_many_caches(script: Scripts) -> None:
    """Results from before a kill are there, also if files had been closed meanwhile."""
    ended = script(BEGIN + "use(1), use(2)\nos._exit(3)")
    assert (ended.err, ended.status) == ("", 3)
    again = (
        BEGIN
        + """
def fail(x): raise AssertionError(x)
for n, cache in enumerate(caches):
    function = cache.memoise(lambda x: fail(x), name="f", on_code_change="ignore")
    assert (function(1), function(2)) == ([n, 1], [n, 2])
"""
    )
    assert script.output(again) == ""
