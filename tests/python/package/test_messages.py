"""docs/messages.md has the texts that users see, as they see them."""

from __future__ import annotations

import re

from support.messages import messages, pieces, plain, source
from support.pages import ROOT

_QUOTES = re.compile(r"^(?:-| ) `+(.+?)`+(?:<br>| \(so with .*)?$", re.MULTILINE)
PAGE = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
QUOTED = [plain(quote) for quote in _QUOTES.findall(PAGE)]


def test_every_quoted_message_is_there() -> None:
    """Quoted texts are in the source, except for what is filled in."""
    text = source()
    lost = [piece for quote in QUOTED for piece in pieces(quote) if piece not in text]
    assert len(QUOTED) >= 60
    assert lost == []


def test_every_message_is_on_the_page() -> None:
    """Each warning and each error that the source can raise is quoted, by some piece of its text."""
    quoted = {piece for quote in QUOTED for piece in pieces(quote)}
    known = list(messages())
    missing = [text for text in known if not any(piece in text for piece in quoted)]
    assert len(known) >= 80
    assert missing == []
