"""The messages that users may see, as the source has them: constant pieces around what is filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from support.pages import ROOT

_PACKAGE, _CORE = ROOT / "python" / "outlive", ROOT / "src"
#: Files whose texts are whole sentences for users.
_SENTENCES = ["store/file/telling.rs", "py/call/teller.rs", "py/call/collision.rs"]
_SENTENCES += [
    "py/call/namesake.rs",
    "store/sqlite/telling.rs",
    "py/cache/notifier.rs",
    "py/cache/core.rs",
    "py/cache/distant.rs",
    "py/named_call.rs",
]
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SHORTEST = 16


def source() -> str:
    """All literals of the source, each on a line, holes as ``…``."""
    lines = []
    for file in _PACKAGE.rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        lines += [_text(node) for node in nodes if isinstance(node, (ast.Constant, ast.JoinedStr))]
    for file in _CORE.rglob("*.rs"):
        lines += _sentences(file)
    return "\n".join(map(plain, lines))


def plain(text: str) -> str:
    """The text with holes as ``…``, without escapes, and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"\{[^{}]*\}", "…", text).replace("\\", ""))


def messages() -> Iterator[str]:
    """Each message that is one sentence in the source, with ``…`` for what is filled in."""
    for text in map(plain, _messages()):
        if " " in text and pieces(text):
            yield text


def _messages() -> Iterator[str]:
    for file in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from map(_text, node.exc.args[:1])
            elif isinstance(node, ast.Call) and _name(node.func) == "warn":
                yield from map(_text, node.args[1:2])
            elif isinstance(node, ast.Assign) and _name(node.targets[0]) == "message":
                yield _text(node.value)
    for name in _SENTENCES:
        yield from _sentences(_CORE / name)


def pieces(message: str) -> list[str]:
    """The constant pieces of a message that are long enough to be found by."""
    return [piece.strip() for piece in message.split("…") if len(piece) >= _SHORTEST]


def _sentences(file: Path) -> Iterator[str]:
    code = file.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
    code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
    for found in _LITERAL.finditer(code):
        yield re.sub(r"\\\n\s*", "", found[1])


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "…"
