"""Run the suite and write the table of docs/yardstick.md: ``python -m yardstick``, in tests/."""

from __future__ import annotations

import argparse
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

from yardstick.lab import Lab, Server
from yardstick.scenarios import SCENARIOS, Scenario
from yardstick.subjects import SUBJECTS, version_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "yardstick.md"
_BEGIN, _END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"


def measure(scenario: Scenario, subject: str, server: Server) -> str:
    """One cell."""
    random.seed(scenario.title)  # each subject meets the same chances
    with tempfile.TemporaryDirectory() as folder:
        return scenario.run(Lab(subject, Path(folder), server))


def table(cells: dict[tuple[str, str], str], subjects: list[str]) -> str:
    """The table in Markdown, a line for each scenario."""
    head = ["what happens", *(f"{name} {version_of(name)}".strip() for name in subjects)]
    lines = [head, ["---"] * len(head)]
    for scenario in SCENARIOS:
        lines.append([scenario.title, *(cells[scenario.title, name] for name in subjects)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Measure everything, or what is named; write the page if it was everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("subjects", nargs="*", default=list(SUBJECTS))
    subjects = parser.parse_args().subjects
    server, cells = Server(), {}
    for scenario in SCENARIOS:
        for subject in subjects:
            began = time.monotonic()
            cells[scenario.title, subject] = cell = measure(scenario, subject, server)
            seconds = time.monotonic() - began
            print(f"{scenario.title}: {subject}: {cell} ({seconds:.0f} s)", flush=True)
    said = (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}:\n\n"
    )
    result = said + table(cells, subjects)
    print(f"\n{result}")
    if subjects == list(SUBJECTS):
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
        after = rest.partition(_END)[2]
        PAGE.write_text(f"{before}{_BEGIN}{result}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
