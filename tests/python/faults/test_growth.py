"""The cost of a result on disk: bytes and writes are counted, not seconds."""

from __future__ import annotations

import pytest

from faults.lab import Lab, Report

#: Looks at the disk while results come, each of about 10 kB; most keys come again and again.
GROWING = """
import re
Desk.compute = lambda self, n: [expected(n), "y" * 10_000]
desk = Desk()
folder = os.path.dirname(os.environ["FAULTS_FILE"])
most = 0
def size(name):
    try: return os.path.getsize(os.path.join(folder, name))
    except FileNotFoundError: return 0
for turn in range({turns}):
    with desk.cache.mode("refresh"):
        for n in range(50): desk.answer(n)
    most = max(most, sum(size(name) for name in os.listdir(folder) if "journal" in name))
    time.sleep(0.01)
say(most)
os._exit(0)
"""


def test_the_journal_does_not_grow_for_ever(lab: Lab, long: bool, report: Report) -> None:
    """A journal that has outgrown the file is folded into it without a call of save()."""
    turns = 400 if long else 80
    ended = lab.run(GROWING.format(turns=turns))
    assert (ended.status, ended.err) == (0, "")
    written, most = turns * 50 * 10_000, int(ended.out)
    assert most < 15_000_000 < written
    report(f"{written:,} bytes of results written, the journal never had more than {most:,}")


COUNTING = """
Desk.compute = lambda self, n: expected(n)
desk = Desk()
desk.answer(1)
len(desk.cache)
def counted():
    with open("/proc/self/io") as io: fields = dict(line.split(": ") for line in io)
    return int(fields["wchar"]), int(fields["syscw"]), int(fields["syscr"])
def cost(numbers):
    before = counted()
    for n in numbers: desk.answer(n)
    return [(b - a) / len(numbers) for a, b in zip(before, counted())]
first = {first}
print(*cost(range(first, first + 500)))
os._exit(0)
"""


@pytest.mark.parametrize("door", ["own", "drop-in"])
def test_the_cost_of_a_result_stays_flat(lab: Lab, door: str, report: Report) -> None:
    """A result costs one write of its own size, whether the cache has a thousand entries or 50,000."""
    lab.door = door
    costs = []
    for entries in (1_000, 50_000):
        for path in lab.home.iterdir():
            path.unlink()
        lab.fill(range(2_000_000, 2_000_000 + entries))
        ended = lab.run(COUNTING.format(first=3_000_000))
        assert (ended.status, ended.err) == (0, ""), ended
        costs.append([float(number) for number in ended.out.split()])
    (few, few_writes, few_reads), (many, many_writes, many_reads) = costs
    assert few == pytest.approx(many, rel=0.01)
    assert max(few_writes, many_writes) <= 1.02
    assert max(few_reads, many_reads) <= 0.02
    report(f"a result of 1 kB: {few:.0f} bytes in {few_writes:.2f} writes, {few_reads:.2f} reads")


def test_what_is_saved_is_proportional_to_what_is_new(lab: Lab) -> None:
    """While a program runs, its results are appended; the whole file is written at its end only."""
    lab.fill(range(2_000_000, 2_020_000))
    before = lab.file.stat()
    ended = lab.run(COUNTING.format(first=3_000_000))
    assert ended.status == 0
    after = lab.file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
