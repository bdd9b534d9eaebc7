"""Decorators below memoise: whether they pass their arguments on unchanged."""

from __future__ import annotations

import functools
from types import FunctionType

from . import _core
from ._code import steps_of
from ._layers import without_partial
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dis
    from collections.abc import Iterable, Sequence
    from types import CodeType
    from typing import Any

    Steps = Sequence[dis.Instruction]

_LRU_CACHE = type(functools.lru_cache(lambda: None))
_HAS_ARGS, _HAS_KWARGS = 0x04, 0x08
_KWARGS = ["BUILD_MAP", "kwargs", "DICT_MERGE"]
#: Instructions that make no difference to what is called with what.
_BESIDES = frozenset({"PUSH_NULL", "PRECALL", "LIST_TO_TUPLE", "CALL_INTRINSIC_1"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
#: Libraries whose decorators look at their arguments, and hand them on as they are.
_KNOWN = frozenset({"stamina", "tenacity"})


def native_of(function: Any) -> Any:
    """Return the native half of a memoised coroutine function; anything else as it is."""
    names = function.__dict__ if type(function) is FunctionType else {}
    # functools.wraps copies these attributes to any wrapper that the user puts around it.
    is_face = "_outlive_face" in names and names["_outlive_face"] == function.__code__
    return names["_outlive_native"] if is_face else function


def as_face(shown: Any, native: _core.Memoised, controls: Iterable[str], refresh: Any) -> Any:
    """Return ``shown``, a function in front of ``native``, with all of its ``controls``."""
    for name in controls:
        setattr(shown, name, getattr(native, name))
    shown.refresh, shown._outlive_native = refresh, native
    # A wrapper gets a copy of its attributes, but is no memoised function. The code object tells
    # them apart; picklers that take functions by value can take it, too.
    shown._outlive_face = shown.__code__
    return shown


def without_caches(function: Any) -> Any:
    """Return what is below caches, which pass their arguments on."""
    while True:
        native = native_of(function)
        if isinstance(native, _core.Memoised):
            function = native.function
        elif isinstance(function, _LRU_CACHE):
            function = function.__wrapped__
        else:
            return function


def without_partials(function: Any) -> Any:
    """Return what stands below partials and bound methods."""
    function = without_partial(function)
    return getattr(function, "__func__", function)


def hands_on(function: Any) -> bool:
    """Return whether each wrapper around a function calls the next with exactly its arguments.

    One that cannot be seen through may supply arguments, or have defaults of its own. A partial
    supplies what its signature does not show.
    """
    function = without_caches(without_partials(function))
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        if type(function) is not FunctionType or not _hands_on(function, inner):
            return False
        function = without_caches(inner)
    return getattr(function, "__signature__", None) is None


def _hands_on(wrapper: FunctionType, inner: Any) -> bool:
    """Return whether ``wrapper`` calls ``inner`` with its arguments unchanged."""
    code = wrapper.__code__
    taken = _taken(code)
    cells = zip(code.co_freevars, wrapper.__closure__ or (), strict=True)
    targets = {name for name, cell in cells if _holds(cell, inner)}
    if taken is None or not targets or not taken.keys().isdisjoint(code.co_cellvars):
        return False
    steps = list(steps_of(code))
    is_known = _is_known(wrapper)
    patterns = _patterns(taken, by_helper=is_known)
    uses = [steps[at + 1 :] for at, step in enumerate(steps) if _names(step, targets)]
    calls = [_is_call(after, taken, patterns) for after in uses]
    named = [after[0].opname in _ATTRIBUTES for after in uses]
    if not any(calls) or not all(map(max, calls, named)):
        return False
    return not any(_is_set(step, taken) for step in steps) and (
        is_known or _reads(steps, taken) == sum(calls) * ("kwargs" in taken.values())
    )


def _taken(code: CodeType) -> dict[str, str] | None:
    """The names of ``*args`` and ``**kwargs``; None if there are other parameters, or none."""
    if code.co_argcount or code.co_kwonlyargcount or not code.co_flags & _HAS_ARGS:
        return None
    kinds = ["args", "kwargs"] if code.co_flags & _HAS_KWARGS else ["args"]
    return dict(zip(code.co_varnames, kinds, strict=False))


def _holds(cell: Any, inner: Any) -> bool:
    try:
        return cell.cell_contents is inner
    except ValueError:  # it is set later
        return False


def _is_known(wrapper: FunctionType) -> bool:
    """Whether a wrapper is of a library that is known to pass everything on, whatever it reads."""
    return str(wrapper.__globals__.get("__name__")).partition(".")[0] in _KNOWN


def _patterns(taken: dict[str, str], by_helper: bool) -> list[list[str]]:
    """The instructions after the function in ``inner(*args, **kwargs)``, for ``_is_call``."""
    rest = [*(_KWARGS if "kwargs" in taken.values() else []), "CALL_FUNCTION_EX"]
    helped = [["BUILD_LIST", "args", "LIST_EXTEND", *rest]] if by_helper else []
    return [["args", *rest], *helped]


def _names(step: dis.Instruction, names: set[str]) -> bool:
    """Return whether a step involves one of the variables."""
    is_variable = isinstance(step.argval, str) and not step.opname.startswith("LOAD_CONST")
    return is_variable and step.argval in names


def _is_call(after: Steps, taken: dict[str, str], patterns: list[list[str]]) -> bool:
    seen = [_seen(step, taken) for step in after[:12] if step.opname not in _BESIDES]
    return any(seen[: len(pattern)] == pattern for pattern in patterns)


def _seen(step: dis.Instruction, taken: dict[str, str]) -> str:
    """``args`` or ``kwargs`` for a step that reads it, the name of the instruction for others."""
    if step.opname.startswith("LOAD_FAST") and isinstance(step.argval, str):
        return taken.get(step.argval, step.opname)
    return step.opname


def _variables(step: dis.Instruction) -> tuple[Any, ...]:
    """The local variables of a step; some steps have two."""
    is_local = step.opname.startswith(("LOAD_FAST", "STORE_FAST", "DELETE_FAST"))
    if not is_local:
        return ()
    return step.argval if isinstance(step.argval, tuple) else (step.argval,)


def _is_set(step: dis.Instruction, taken: dict[str, str]) -> bool:
    """Return whether a variable may be set to something other than the arguments."""
    is_load = step.opname.startswith("LOAD_FAST")
    return not is_load and not taken.keys().isdisjoint(_variables(step))


def _reads(steps: Steps, taken: dict[str, str]) -> int:
    """How often ``**kwargs`` is read: every reader of the dict may change it."""
    read = [taken.get(name) for step in steps for name in _variables(step)]
    return read.count("kwargs")
