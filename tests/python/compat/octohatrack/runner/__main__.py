"""`python -m compat.octohatrack.runner FOLDER DECORATOR SERVER PROGRAM [ARGUMENT...]`: the process that the tests start.

FOLDER holds one version of octohatrack; DECORATOR is `original`, `outlive` or `database`; SERVER is the address that stands in
for api.github.com; PROGRAM is `octohatrack`, the tool itself, or a module of this package that uses its helpers.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import distribution


def main() -> None:
    """Run the tool as its command does."""
    folder, decorator, server, program, *arguments = sys.argv[1:]
    # A shell that put the tests into the background has Ctrl-C ignored, also here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, folder)
    # The tool looks at sys.argv while it is imported.
    sys.argv = [program, *arguments]
    import_module("compat.octohatrack.runner.shims").install(server)
    if decorator != "original":
        import_module("compat.octohatrack.runner.swap").install(decorator)
    _entry(program)()


def _entry(program: str) -> Callable[[], None]:
    """The tool's own console script, or the `main` of a module."""
    if program == "octohatrack":
        (script,) = distribution(program).entry_points
        entry: Callable[[], None] = script.load()
    else:
        entry = import_module(program).main
    return entry


if __name__ == "__main__":
    main()
