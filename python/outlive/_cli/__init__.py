"""``outlive`` on the command line: what is in a cache, without the program that made it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; if packages that it needs are missing, say what to install."""
    try:
        import click as click
        import rich as rich
    except ImportError as error:
        print(
            f"outlive: the command line needs {error.name}: pip install 'outlive[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    from .app import app

    app(prog_name="outlive")
