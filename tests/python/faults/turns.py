"""Programs that are led step by step, so that several take turns in a known order."""

from __future__ import annotations

from pathlib import Path

from faults.lab import Lab, finish, heard

TURNS = """
desk = Desk()
for line in sys.stdin:
    exec(line)
    say("done")
"""


class Turns:
    """A program that does what it is told."""

    def __init__(self, lab: Lab, code: str = TURNS, file: Path | None = None) -> None:
        """Start it."""
        self.program = lab.start(code, stdin=-1, file=file)

    def do(self, line: str) -> None:
        """Have it do a line of Python."""
        assert self.program.stdin is not None
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        heard(self.program, "done")

    def end(self) -> str:
        """Have it end well; what it said on stderr."""
        ended = finish(self.program)
        assert (ended.status, ended.out) == (0, "")
        return ended.err
