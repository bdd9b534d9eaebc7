"""``outlive ls``, ``show``, ``stats``: entries in pipes, on terminals, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from look_inside.terminal import Shell
from outlive import Cache
from support.programs import Scripts

FETCHED = 'shop.fetch(uri="/x", page={})'


def test_ls_in_a_pipe_is_a_line_an_entry(shell: Shell, shop: Path) -> None:
    """Four fields between tabs, whole keys, no colour; the totals go to stderr."""
    printed = shell("ls", shop)
    assert printed.status == 0 and "\x1b" not in printed.out + printed.err
    rows = [line.split("\t") for line in printed.lines]
    assert len(rows) == 7 and {len(row) for row in rows} == {4}
    assert rows[0] == ["2001-09-07T01:46:40Z", "25", rows[0][2], FETCHED.format(1)]
    assert printed.err.startswith("7 entries, ")


def test_ls_selects_and_sorts(shell: Shell, shop: Path) -> None:
    """By a part of the key, a pattern, a function, an age; largest, oldest or slowest first."""

    def keys(*words: object) -> list[str]:
        entries = shell("ls", shop, *words, "--json").json["entries"]
        return [entry["key"] for entry in entries]

    pages = [FETCHED.format(page) for page in (1, 2, 3)]
    assert keys("page=2") == [pages[1]] and keys("*page=[12]*") == pages[:2]
    assert keys("--function", "fetch") == keys("--function", "shop.fetch") == pages
    assert keys("--function", "etch") == []
    assert keys("--sort", "size", "-n", 2) == [pages[2], pages[1]]
    assert keys("--function", "fetch", "--sort", "size", "-r") == pages
    assert keys("--sort", "age", "-n", 3) == pages
    assert keys("--function", "fetch", "--sort", "key") == pages
    assert len(keys("--older-than", "1h")) == 7 and keys("--older-than", "5000w") == []
    total = shell("ls", shop, "-n", 1, "--json").json["total"]
    assert (total["entries"], total["newest"]) == (7, "2001-09-09T01:46:40Z")


def test_ls_on_a_terminal_is_a_table(shell: Shell, shop: Path) -> None:
    """The table fits the terminal, long keys are cut, and the totals stand last."""
    text = shell.shown("ls", shop, width=50)
    lines = text.splitlines()
    assert "age" in lines[0] and "key" in lines[0]
    assert any("…" in line for line in lines) and "7 entries" in lines[-1]
    with Cache(shop) as cache:
        for number in range(100):
            cache[f"k{number}"] = number
    assert "50 of 107 entries" in shell.shown("ls", shop)


def test_exit_status_is_that_of_grep(shell: Shell, shop: Path) -> None:
    """0: found; 1: nothing; 2: trouble, with one line that says what."""
    assert shell("ls", shop, "tea").status == 0
    assert shell("ls", shop, "coffee").status == 1
    missing = shell("ls", "missing.json")
    assert (missing.status, missing.err) == (2, "outlive: no such file: missing.json\n")
    assert shell("ls", shop.parent).err == f"outlive: {shop.parent} is a folder\n"
    bad = shell("ls", shop, "--older-than", "soon")
    assert bad.status == 2 and '"90s"' in bad.err
    assert shell("show", shop, "coffee").status == 1


def test_show_prints_the_result(shell: Shell, shop: Path) -> None:
    """A part of one key is enough; JSON on stdout, the facts on stderr; ``--raw`` as in the file."""
    printed = shell("show", shop, "page=2")
    assert json.loads(printed.out) == {"page": 2, "text": "ää"} and printed.out.count("\n") == 4
    assert printed.err.startswith(FETCHED.format(2) + "\nmade 2001-09-08 01:46:40 UTC")
    assert shell("show", shop, "page=2", "--raw").out == '{"page": 2, "text": "ää"}\n'
    whole = shell("show", shop, FETCHED.format(2), "--json").json
    assert whole["result"]["page"] == 2 and whole["created"] == "2001-09-08T01:46:40Z"
    several = shell("show", shop, "page")
    assert several.status == 2 and several.err.startswith("outlive: 3 keys have 'page'")
    assert FETCHED.format(3) in several.err


def test_show_on_a_terminal_has_colours(shell: Shell, shop: Path) -> None:
    """JSON is coloured; what is longer than the terminal goes through the pager."""
    text = shell.shown("show", shop, "page=2")
    assert "\x1b[" in text and "page" in text and "made 2001-09-08" in text
    with Cache(shop) as cache:
        cache["long"] = list(range(200))
    assert "199" in shell.shown("show", shop, "long", height=20)


def test_stats(shell: Shell, shop: Path) -> None:
    """Entries, bytes, functions and what stands out are those of the file."""
    found = shell("stats", shop, "--json").json
    entries = json.loads(shop.read_bytes())
    assert found["entries"] == 7 == len(entries) - 1
    texts = {
        k: json.dumps(v["result"], ensure_ascii=False) for k, v in entries.items() if k != "outlive"
    }
    assert found["size"] == sum(len(text.encode()) for text in texts.values())
    assert {name: each["entries"] for name, each in found["functions"].items()} == {
        "shop.fetch": 3,
        "shop.price": 4,
    }
    assert found["marked"]["oldest"]["key"] == FETCHED.format(1)
    assert found["marked"]["largest"]["key"] == FETCHED.format(3)
    text = shell("stats", shop).out
    assert "█" in text and "shop.price" in text and "7 entries" in text and "\x1b" not in text


def test_the_drop_ins_file(shell: Shell, script: Scripts) -> None:
    """A flat file has no functions and no times; addresses with parentheses are no calls."""
    script.output(
        """
        from outlive import memoise
        f = memoise(lambda uri: uri)
        f("https://x.org/a(b)"), f(7)
        """
    )
    found = shell("stats", "cache_file.json", "--json").json
    assert found["entries"] == 2 and list(found["functions"]) == ["(no function)"]
    assert shell("ls", "cache_file.json").status == 0
    assert (shell("path").status, shell("path").out) == (
        0,
        f"{script.folder / 'cache_file.json'}\n",
    )
    assert shell("path", "--app", "no-such-app").status == 1


def test_secrets_are_nowhere(shell: Shell, shop: Path) -> None:
    """No command prints a secret argument, or the salt of its digest."""
    salt = json.loads(shop.read_bytes())["outlive"]["salt"]
    for words in (["ls"], ["ls", "--json"], ["stats"], ["export"], ["verify"]):
        printed = shell(words[0], shop, *words[1:])
        assert "hunter2" not in printed.out and salt not in printed.out


def test_a_file_in_use(shell: Shell, script: Scripts) -> None:
    """What a running program has appended is shown, also of one that was killed before its first save."""
    program = script.start(
        """
        from outlive import Cache
        f = Cache("c.json").memoise(lambda x: x, name="f")
        f(1), f(2)
        print("ready", flush=True)
        input()
        """
    )
    with program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        before = sorted(path.name for path in script.folder.iterdir())
        assert [line.split("\t")[3] for line in shell("ls", "c.json").lines] == ["f(x=1)", "f(x=2)"]
        assert sorted(path.name for path in script.folder.iterdir()) == before
        program.kill()
    assert shell("show", "c.json", "f(x=2)").out == "2\n"
    assert shell("rm", "c.json", "f(x=2)").status == 0
    assert shell("show", "c.json", "f(x=2)").status == 1


def test_a_program_sees_what_is_removed(shell: Shell, script: Scripts) -> None:
    """``rm`` on a file in use: the next call of the running program computes."""
    program = script.start(
        """
        from outlive import Cache
        f = Cache("c.json").memoise(lambda x: x, name="f")
        f(1)
        print("ready", flush=True)
        input()
        f(1)
        print(f.cache_info().misses)
        """
    )
    with program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        assert shell("rm", "c.json", "f(x=1)").status == 0
        assert program.communicate("\n", timeout=60) == ("2\n", "")


def test_a_damaged_file(shell: Shell, shop: Path) -> None:
    """It reports the damage, shows the rest and changes nothing; ``repair`` keeps the rest."""
    assert shell("verify", shop).status == 0
    lines = shop.read_bytes().split(b"\n")
    lines[2] = lines[2][:30]
    damaged = b"\n".join(lines)
    shop.write_bytes(damaged)
    printed = shell("ls", shop)
    assert len(printed.lines) == 6 and "outlive: " in printed.err and str(shop) in printed.err
    found = shell("verify", shop, "--json")
    assert found.status == 1 and not found.json["whole"] and found.json["problems"]
    assert shop.read_bytes() == damaged and len(list(shop.parent.iterdir())) == 1
    repaired = shell("repair", shop)
    assert repaired.status == 0 and "damaged-" in repaired.out
    assert shell("verify", shop).status == 0 and len(shell("ls", shop).lines) == 6
    assert any(path.read_bytes() == damaged for path in shop.parent.glob("*damaged*"))


def test_a_bad_value(shell: Shell, shop: Path) -> None:
    """A value that is not JSON is named by its key."""
    text = shop.read_bytes().replace(b'"page": 2, "text"', b'"page": 02, "text"')
    shop.write_bytes(text)
    found = shell("verify", shop)
    assert found.status == 1 and "page=2" in found.out
    assert shell("repair", shop).status == 0
    assert shell("verify", shop).status == 0 and len(shell("ls", shop).lines) == 6


def test_odd_keys(shell: Shell, tmp_path: Path) -> None:
    """Line breaks, tabs and lone surrogates in keys stay in their line."""
    with Cache(tmp_path / "c.json") as cache:
        for key in ("a\nb\tc", "\ud83d", "x" * 5000, "ö"):
            cache[key] = key
    printed = shell("ls", "c.json")
    assert [line.split("\t")[3] for line in printed.lines] == [
        "a\\nb\\tc",
        "\\ud83d",
        "x" * 5000,
        "ö",
    ]
    assert [e["key"] for e in shell("ls", "c.json", "--json").json["entries"]][1] == "\ud83d"
    assert shell.shown("ls", "c.json").count("\n") == 6


def test_without_the_packages(tmp_path: Path) -> None:
    """Without click one line says what to install."""
    code = """
        import sys
        sys.modules["click"] = None
        from outlive._cli import main
        main()
    """
    ended = Scripts(tmp_path)(code)
    assert ended.status == 2
    assert ended.err == "outlive: the command line needs click: pip install 'outlive[cli]'\n"


@pytest.mark.parametrize(
    "command", ["ls", "show", "stats", "why", "rm", "prune", "verify", "repair"]
)
def test_help_has_an_example(shell: Shell, command: str) -> None:
    """Each command explains itself, with an example."""
    text = shell(command, "--help").out
    assert "Example" in text and f"outlive {command} " in text and "--json" in text


def test_completion_and_version(shell: Shell) -> None:
    """The completion script of each shell is there, and ``--version`` says one."""
    import os
    import subprocess

    for kind in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [sys.executable, "-m", "outlive"],
            env=os.environ | {"_OUTLIVE_COMPLETE": f"{kind}_source"},
            capture_output=True,
            text=True,
        )
        assert "_OUTLIVE_COMPLETE" in done.stdout, done
    assert shell("--version").out.startswith("outlive ")
