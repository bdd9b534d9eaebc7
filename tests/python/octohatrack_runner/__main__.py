"""`python -m octohatrack_runner FOLDER DECORATOR SERVER PROGRAM [ARGUMENT...]`: the process that the tests start.

FOLDER holds one version of octohatrack; DECORATOR is `original` or `outlive`; SERVER is the address that stands in
for api.github.com; PROGRAM is `octohatrack`, the tool itself, or a module of this package that uses its helpers.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import distribution


def main() -> None:
    folder, decorator, server, program, *arguments = sys.argv[1:]
    sys.path.insert(0, folder)
    # The tool looks at sys.argv while it is imported.
    sys.argv = [program, *arguments]
    import_module("octohatrack_runner.shims").install(server)
    if decorator == "outlive":
        import_module("octohatrack_runner.swap").install()
    _entry(program)()


def _entry(program: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - whatever the package names
    if program != "octohatrack":
        return import_module(program).main
    (script,) = distribution("octohatrack").entry_points
    return script.load()


if __name__ == "__main__":
    main()
