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
#: Python may refuse to write integers of more bits with decimal digits.
_LONG = 2000
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
    """Name the globals that ``code`` reads, each with the attribute that is read from it."""
    return sorted(set(_read(code, ("LOAD_GLOBAL", "LOAD_NAME"))), key=repr)


@functools.lru_cache(maxsize=1024)
def own_attributes(code: CodeType) -> list[str]:
    """Name the attributes that ``code`` reads from its first parameter."""
    if code.co_argcount == 0:
        return []
    own = code.co_varnames[0]
    read = _read(code, ("LOAD_FAST", "STORE_FAST_LOAD_FAST", "LOAD_DEREF"))
    return sorted({attribute for name, attribute in read if name == own and attribute is not None})


def _read(code: CodeType, loads: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """Yield the names that instructions load, each with the attribute that is read next."""
    steps = [step for inner in nested_code(code) for step in steps_of(inner)]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if step.opname.startswith(loads):
            is_asked = after is not None and after.opname in ("LOAD_ATTR", "LOAD_METHOD")
            # From Python 3.13 on, two reads of variables on one line are one step.
            name = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
            yield name, after.argval if after is not None and is_asked else None


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield ``code`` and all code that is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_code(constant)


def steps_of(code: CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions that matter, without those that note a docstring or a line."""
    steps = [s for s in dis.get_instructions(_readable(code)) if s.opname not in _SILENT]
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
    if isinstance(value, int) and value.bit_length() > _LONG:
        return hex(value)
    try:
        return repr(value)
    except ValueError:  # such an integer is a part of it
        return _text_of_parts(value)


def _text_of_parts(value: object) -> str:
    if isinstance(value, (list, set)):
        texts = [constant_text(member) for member in value]
        return f"{type(value).__name__}{sorted(texts) if isinstance(value, set) else texts}"
    if isinstance(value, dict):
        return f"dict{[(constant_text(key), constant_text(value[key])) for key in value]}"
    if isinstance(value, slice):
        return f"slice{constant_text((value.start, value.stop, value.step))}"
    raise ValueError  # as its `repr` did


def _readable(code: CodeType) -> CodeType:
    """Return ``code`` with constants that `dis`, which takes the `repr` of each, can show."""
    shown = tuple(_shown(constant) for constant in code.co_consts)
    same = all(one is other for one, other in zip(shown, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=shown)


def _shown(constant: object) -> object:
    if isinstance(constant, int):
        return constant if constant.bit_length() <= _LONG else constant_text(constant)
    if isinstance(constant, (tuple, frozenset, slice)):
        try:
            repr(constant)
        except ValueError:
            return constant_text(constant)
    return constant
