"""What the system refuses a command, and what is not what a command reads: one line, exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from look_inside.terminal import Shell

NOT_DIRECTORY = "file/below.txt"


@pytest.mark.parametrize(
    "words", [("report", "--html"), ("export", "-o"), ("freeze", "-o")], ids=lambda words: words[0]
)
def test_output_that_cannot_be_written(shell: Shell, shop: Path, words: tuple[str, str]) -> None:
    """A path below a file cannot be made: the line says which path, and why."""
    (shell.folder / "file").write_text("x")
    done = shell(words[0], shop, *words[1:], NOT_DIRECTORY)
    assert (done.status, done.out) == (2, ""), done
    assert done.err.startswith("outlive: ") and NOT_DIRECTORY in done.err, done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "target", ["script.py/below.json", "script.py/below.db", "script.py", "protected.json"]
)
@pytest.mark.parametrize("command", ["copy", "import", "merge", "rm", "repair"])
def test_what_was_not_written_is_not_reported_as_done(
    shell: Shell, shop: Path, command: str, target: str
) -> None:
    """No command says that it copied, merged or removed what no file has taken."""
    script = shell.folder / "script.py"
    script.write_text("not JSON")
    protected = shell.folder / "protected.json"
    protected.write_bytes(shop.read_bytes())
    protected.chmod(0o400)
    (shell.folder / "in.jsonl").write_text('{"key": "f(x=0)", "result": 1}\n')
    words: dict[str, tuple[object, ...]] = {
        "copy": (shop, target),
        "import": (target, "in.jsonl"),
        "merge": (target, shop, "-o", target),
        "rm": (target, "*", "--yes"),
        "repair": (target,),
    }
    before = protected.read_bytes()
    done = shell(command, *words[command])
    assert done.status == 2, done
    assert not any(word in done.err for word in ("copied", "imported", "removed", "good", " from "))
    assert "Traceback" not in done.err and done.err.startswith("outlive: ")
    assert protected.read_bytes() == before and script.read_text() == "not JSON"


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no disk that is always full"
)
def test_a_full_disk_behind_stdout(shop: Path) -> None:
    """What cannot be printed is trouble, and no traceback."""
    for words in (("ls",), ("stats",), ("export",)):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "outlive", *words, str(shop)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        assert done.returncode == 2, words
        assert done.stderr == "outlive: No space left on device\n", words


@pytest.mark.parametrize(
    "text", ["garbage\n", "[1, 2\n", "\xff\xfe\x00", "3\n", '{"key": 3}\n', '{"key": "f(1)"}\n']
)
def test_import_of_something_else(shell: Shell, text: str) -> None:
    """The line says which entry is wrong, and what went before is counted."""
    good = '{"key": "f(x=0)", "result": 1}\n'
    for start in ("", good):
        (shell.folder / "in.jsonl").write_bytes(start.encode() + text.encode("latin-1"))
        done = shell("import", f"to{len(start)}.json", "in.jsonl")
        assert done.status == 2, done
        assert "is none that export writes: " in done.err and "Traceback" not in done.err
        assert ("1 entry before it is imported" in done.err) == bool(start and "\xff" not in text)
