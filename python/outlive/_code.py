"""Renders the code of a function as text, without positions, docstrings and comments.

The layout of the source makes no difference. Everything that may change the result does: an
instruction, a constant, nested code. Texts are comparable within one minor version of Python.
"""

from __future__ import annotations

import dis
import functools
from types import CodeType

from ._flow import JUMPS, LOCALS, Flow, parts_of
from ._layers import innermost
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Instructions that stem from lines and from the interpreter's own caches alone.
_SILENT = frozenset({"NOP", "CACHE", "EXTENDED_ARG", "RESUME"})
#: Methods that change the object that they are called on.
_CHANGES = frozenset(
    [
        "append",
        "add",
        "extend",
        "insert",
        "update",
        "setdefault",
        "pop",
        "popitem",
        "popleft",
        "appendleft",
        "remove",
        "discard",
        "clear",
    ]
)
#: The names by which a class body notes its source.
_NOTES = frozenset({"__doc__", "__firstlineno__", "__static_attributes__", "__annotations__"})


def code_of(function: Any) -> CodeType | None:
    """Return the code of the function written in Python that is below all layers of another."""
    code = getattr(innermost(function), "__code__", None)
    return code if isinstance(code, CodeType) else None


@functools.lru_cache(maxsize=1024)
def body_text(code: CodeType) -> str:
    """Return ``code`` as text."""
    flow = Flow(list(steps_of(code)))
    lines = [_step_text(step, code, flow) for step in flow.steps]
    guards: list[tuple[int, ...]] = []
    for entry in getattr(dis.Bytecode(code), "exception_entries", ()):
        start, end = flow.place(entry.start), flow.place(entry.end)
        rest = flow.place(entry.target), entry.depth, int(entry.lasti)
        if guards and guards[-1][1] == start and guards[-1][2:] == rest:
            start = guards.pop()[0]
        if start != end:
            guards.append((start, end, *rest))
    shape = (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & 0x2AC,
    )
    return "\n".join([str(shape), *lines, *(f"guard {guard}" for guard in guards)])


@functools.lru_cache(maxsize=1024)
def global_names(code: CodeType) -> list[tuple[str, str | None]]:
    """Name the globals that ``code`` reads and never sets, each with the attribute read from it."""
    return sorted(set(_global_names(code)), key=repr)


def _global_names(code: CodeType) -> Iterator[tuple[str, str | None]]:
    steps = [step for inner in _all_code(code) for step in steps_of(inner)]
    stored = {step.argval for step in steps if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval not in stored:
            is_asked = after is not None and after.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield step.argval, after.argval if after is not None and is_asked else None


def state_cells(code: CodeType) -> set[str]:
    """Name the cells that ``code`` changes itself: they are its state, not part of its identity."""
    found = set()
    for inner in _all_code(code):
        steps = list(steps_of(inner))
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            is_set = step.opname in ("STORE_DEREF", "DELETE_DEREF")
            is_changed = after is not None and step.opname == "LOAD_DEREF" and _changes(after)
            if (is_set or is_changed) and step.argval in inner.co_freevars:
                found.add(step.argval)
    return found


def state_attributes(code: CodeType) -> set[str]:
    """Name the attributes that ``code`` sets or changes itself: they are its state."""
    found = set()
    for inner in _all_code(code):
        steps = list(steps_of(inner))
        for at, step in enumerate(steps):
            after = steps[at + 1 : at + 3]
            is_set = step.opname in ("STORE_ATTR", "DELETE_ATTR")
            is_changed = bool(after) and _changes(after[0])
            is_stored = len(after) == 2 and after[1].opname in ("STORE_SUBSCR", "DELETE_SUBSCR")
            is_read = step.opname in ("LOAD_ATTR", "LOAD_METHOD")
            if is_set or (is_read and (is_changed or is_stored)):
                found.add(step.argval)
    return found


def _changes(step: dis.Instruction) -> bool:
    return step.opname in ("LOAD_ATTR", "LOAD_METHOD") and step.argval in _CHANGES


def _all_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_code(constant)


def steps_of(code: CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions that matter, without those that note a docstring or a line."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SILENT]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        notes = after is not None and after.opname == "STORE_NAME" and after.argval in _NOTES
        if notes and step.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
            continue
        if step.opname == "STORE_NAME" and step.argval in _NOTES:
            continue
        yield step


def _step_text(step: dis.Instruction, code: CodeType, flow: Flow) -> str:
    if step.opcode in JUMPS:
        return flow.jump_text(step)
    if step.arg is None:
        return step.opname
    if step.opname.startswith(LOCALS):
        return "\n".join(parts_of(step))
    if step.opname == "KW_NAMES":  # dis does not say which, up to Python 3.12
        return f"{step.opname} {code.co_consts[step.arg]}"
    if isinstance(step.argval, CodeType):
        return f"{step.opname} ({body_text(step.argval)})"
    return f"{step.opname} {constant_text(step.argval)}"


def constant_text(value: object) -> str:
    """Return a constant's text, the same in every process: members of sets come in any order."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(constant_text(member) for member in value)})"
    if isinstance(value, tuple):
        return f"({', '.join(constant_text(member) for member in value)},)"
    if isinstance(value, CodeType):
        return f"({body_text(value)})"
    return repr(value)
