"""The arguments of a call as its key shows them."""

from __future__ import annotations

_OPEN, _CLOSE = "([{", ")]}"


def of(key: str, function: str) -> dict[str, str]:
    """Return the text of each argument in ``key``, which is one of ``function``."""
    call = key.removeprefix("outlive:")
    # A digest of what the function closes over may follow the parenthesis.
    inside = call[len(function) + 1 : call.rindex(")")]
    shown = (argument.partition("=") for argument in _split(inside))
    # The stars of `*args` and `**options` are no part of the name.
    return {name.lstrip("*"): text for name, equals, text in shown if equals}


def literal(text: str) -> str:
    """Return the pattern that matches only ``text``."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _split(text: str) -> list[str]:
    """Split at the commas that are neither within quotes nor within brackets."""
    parts, start, depth, quoted, escaped = [], 0, 0, False, False
    for at, character in enumerate(text):
        if escaped or (quoted and character == "\\"):
            escaped = not escaped
        elif character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]
