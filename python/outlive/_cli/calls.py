"""A call as a user writes it, looked up among kept keys without the function itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from .. import _arguments, _core
from .._facts import Fact, fact_of
from . import output, selecting

_SHOWN = 5


@dataclass(frozen=True)
class Answer:
    """What is kept of a call."""

    call: str
    #: The entries that answer it.
    kept: list[Fact]
    #: Why there is none.
    reason: str = ""

    def __str__(self) -> str:
        if not self.kept:
            return f"miss: {self.call} {self.reason}"
        lines = [_line(fact) for fact in self.kept[:_SHOWN]]
        more = len(self.kept) - _SHOWN
        return "\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])

    def document(self) -> dict[str, Any]:
        """Return the same for JSON."""
        kept = [output.document_of(fact) for fact in self.kept]
        return {"call": self.call, "kept": kept, "reason": self.reason or None}


def _line(fact: Fact) -> str:
    return f"hit: {_core.shown_key(fact.key)} was {output.made(fact)}"


def look_up(core: _core.Cache, call: str) -> Answer:
    """Say what is kept of a call.

    Raises:
        ValueError: ``call`` is neither a key nor a call with plain values.
    """
    exact = fact_of(core, call)
    if exact is not None:
        return Answer(call, [exact])
    function, args, kwargs = _parsed(call)
    facts, _ = selecting.facts(core, function=function)
    if not facts:
        known = ", ".join(sorted(name for name, _ in core.facts.sums() if name)[:_SHOWN]) or "none"
        return Answer(call, [], f"was never seen: no function of this name is kept (some: {known})")
    shown = [(fact, _arguments.of(fact.key, _named(fact.key))) for fact in facts]
    parameters = max((list(arguments) for _, arguments in shown), key=len)
    if len(args) > len(parameters):
        takes = ", ".join(parameters) or "none"
        raise ValueError(f"{call}: {len(args)} positional arguments; keys show these: {takes}")
    given = dict(zip(parameters, args, strict=False)) | kwargs
    kept = [fact for fact, arguments in shown if given.items() <= arguments.items()]
    return Answer(call, kept, "" if kept else _difference(given, shown))


def _named(key: str) -> str:
    """The name of the function in a key."""
    return key.removeprefix("outlive:").partition("(")[0]


def _parsed(call: str) -> tuple[str, list[str], dict[str, str]]:
    """The name, the positional arguments and the named ones, as texts of keys."""
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{call!r} is neither a kept key nor a call: {error.msg}") from error
    if not isinstance(node, ast.Call):
        raise ValueError(f"{call!r} is neither a kept key nor a call, such as fetch(1, page=2)")
    args = [_text(argument) for argument in node.args]
    kwargs = {word.arg: _text(word.value) for word in node.keywords if word.arg is not None}
    return ast.unparse(node.func), args, kwargs


def _text(node: ast.expr) -> str:
    try:
        return _core.canonical(ast.literal_eval(node))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{ast.unparse(node)} is no plain value") from error


def _difference(given: dict[str, str], shown: list[tuple[Fact, dict[str, str]]]) -> str:
    """The arguments in which the nearest kept call differs."""

    def differing(arguments: dict[str, str]) -> list[str]:
        return [name for name, text in given.items() if arguments.get(name) != text]

    fact, arguments = min(shown, key=lambda each: len(differing(each[1])))
    changes = ", ".join(
        f"{name}: {arguments.get(name, 'nothing')} -> {given[name]}"
        for name in differing(arguments)
    )
    return (
        f"was never seen; the nearest kept call, {_core.shown_key(fact.key)}, differs in {changes}"
    )
