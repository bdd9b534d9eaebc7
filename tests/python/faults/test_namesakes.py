"""Another program's file that gets the name of a journal while the cache is in use."""

from __future__ import annotations

import json
import sys

import pytest

from support.programs import Scripts

BEGIN = """
import sys, warnings
from pathlib import Path
from outlive import Cache

warnings.simplefilter("ignore")
cache = Cache("shop.json")

@cache.memoise(name="price")
def price(item):
    return [item]

def journals():
    return sorted(Path().glob("shop.json.journal-*"))

def ends():
    return int(str(journals()[-1]).rpartition("-")[2])
"""

#: Where the file appears, seen from the journal that is in use.
PLACES = {"before": "5", "next": "ends() + 1", "after the next": "ends() + 2"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", ["cache.save()", "cache.close()", "Path('shop.json').unlink()"])
def test_it_is_left_alone(script: Scripts, place: str, act: str) -> None:
    """A save, a close and a fresh start neither remove such a file nor write into it."""
    program = f"""
{BEGIN}
price(1), cache.save(), price(2)
other = Path(f"shop.json.journal-{{{PLACES[place]}}}")
other.write_text("a poem", encoding="utf-8")
{act}
price(3), price(4), cache.save(), price(5), cache.save(), cache.close()
assert other.read_text(encoding="utf-8") == "a poem"
"""
    assert script.output(program) == ""
    kept = script.output(f"{BEGIN}\nprint([n for n in range(9) if price.cache_contains(n)])")
    expected = {3, 4, 5} if "unlink" in act else {1, 2, 3, 4, 5}
    assert expected <= set(json.loads(kept))


def test_a_cache_with_the_name_of_a_journal(script: Scripts) -> None:
    """Two caches, of which one has the name of a journal of the other, keep their results."""
    program = f"""
{BEGIN}
other = Cache("shop.json.journal-5").memoise(lambda x: x, name="f")
price(1), other(1), cache.save(), other(2)
Cache("shop.json.journal-5").save()
price(2), cache.close(), other(3)
"""
    assert script.output(program) == ""
    kept = f'{BEGIN}\nprint(len(cache), len(Cache("shop.json.journal-5")))'
    assert script.output(kept).strip() == "2 3"


@pytest.mark.skipif(sys.platform == "win32", reason="open files keep their names there")
def test_others_follow_past_it(script: Scripts) -> None:
    """A process that follows the journal goes on behind such a file, as its author did."""
    program = f"""
{BEGIN}
import subprocess
worker = subprocess.Popen([sys.executable, "-c", '''{BEGIN}
for line in sys.stdin:
    price(int(line)), print(len(cache), flush=True)
'''], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def there(item):
    print(item, file=worker.stdin, flush=True)
    return int(worker.stdout.readline())

price(1)
assert there(2) == 2
other = Path(f"shop.json.journal-{{ends() + 1}}")
other.write_text("a poem", encoding="utf-8")
cache.save(), price(3)
assert there(4) == 4
cache.save(), price(5)
assert there(6) == 6 and len(cache) == 6
worker.stdin.close(), worker.wait(), cache.close()
assert other.read_text(encoding="utf-8") == "a poem"
"""
    assert script.output(program) == ""
    assert script.output(f"{BEGIN}\nprint(len(cache))").strip() == "6"
