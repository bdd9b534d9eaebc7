"""Where the instructions of a function lead, however its source is laid out.

The compiler joins instructions that stand on one line, and leads jumps around others on another
line. Here two layouts of one function are alike.
"""

from __future__ import annotations

import dis

#: Instructions that name a local variable.
LOCALS = ("LOAD_FAST", "STORE_FAST", "DELETE_FAST")
JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
#: The direction of a jump, as the names of some instructions have it.
_DIRECTIONS = ("_FORWARD", "_BACKWARD", "_ABSOLUTE", "_NO_INTERRUPT")
_OPPOSITES = {
    "POP_JUMP_IF_TRUE": "POP_JUMP_IF_FALSE",
    "POP_JUMP_IF_FALSE": "POP_JUMP_IF_TRUE",
    "POP_JUMP_IF_NONE": "POP_JUMP_IF_NOT_NONE",
    "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE",
}


class Flow:
    """The instructions of a function, and the number of the one that each jump leads to."""

    def __init__(self, steps: list[dis.Instruction]) -> None:
        """Take the instructions, without jumps that a conditional one leads around."""
        self._leads = {s.offset: int(s.argval) for s in steps if _kind(s) == "JUMP"}
        #: Those conditional ones, by offset: where the jump leads.
        self._around: dict[int, int] = {}
        self.steps: list[dis.Instruction] = []
        for step, jump, after in zip(steps, steps[1:], steps[2:], strict=False):
            is_around = _kind(step) in _OPPOSITES and step.argval == after.offset
            if is_around and jump.offset in self._leads:
                self._around[step.offset] = self._leads[jump.offset]
        for step in steps:
            last = self.steps[-1].offset if self.steps else None
            if last not in self._around or step.offset not in self._leads:
                self.steps.append(step)
        self._places: dict[int, int] = {}
        self._count = 0
        for step in self.steps:
            self._places[step.offset] = self._count
            self._count += len(parts_of(step))
        self._end = max(self._places, default=0)

    def place(self, offset: int) -> int:
        """Return the number of the first instruction that is not before ``offset``."""
        while offset not in self._places and offset <= self._end:
            offset += 2
        return self._places.get(offset, self._count)

    def jump_text(self, step: dis.Instruction) -> str:
        """Return a jump as text; one to another jump leads where that one leads."""
        kind, target = _kind(step), int(step.argval)
        if step.offset in self._around:
            kind, target = _OPPOSITES[kind], self._around[step.offset]
        seen: set[int] = set()
        while target in self._leads and target not in seen:
            seen.add(target)
            target = self._leads[target]
        return f"{kind} to {self.place(target)}"


def _kind(step: dis.Instruction) -> str:
    """Return the name of an instruction; of a jump, without its direction."""
    name = step.opname
    if step.opcode in JUMPS:
        for direction in _DIRECTIONS:
            name = name.replace(direction, "")
    return name


def parts_of(step: dis.Instruction) -> list[str]:
    """Return the reads and writes of local variables in one step, by the variables' numbers.

    From Python 3.13 on, two reads or writes on one line are one step. The names of variables make
    no difference.
    """
    if step.arg is None or not step.opname.startswith(LOCALS):
        return [step.opname]
    name = step.opname.replace("_BORROW", "")
    first, joined, second = name.partition("_FAST_")
    if joined and second.startswith(LOCALS):
        return [f"{first}_FAST {step.arg >> 4}", f"{second} {step.arg & 15}"]
    return [f"{name} {step.arg}"]
