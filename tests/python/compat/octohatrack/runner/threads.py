"""`threads REPOSITORY NUMBER`: that many threads collect the same repository at once, with octohatrack's helpers.

Prints, for each thread, the names it found or the error that ended it; one line of JSON each.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module


def main() -> None:
    """Collect in several threads."""
    repository, number = sys.argv[1], int(sys.argv[2])
    helpers = import_module("octohatrack.helpers")
    together = threading.Barrier(number)

    def collect(_: int) -> list[str]:
        together.wait()
        try:
            helpers.repo_exists(repository)
            people = helpers.get_api_contributors(repository) + helpers.get_pri_contributors(
                repository, 0
            )
        except Exception as error:
            return [repr(error)]
        return sorted(f"{person['user_name']} ({person['name']})" for person in people)

    # The helpers' dots of progress; the results are printed after them.
    with redirect_stdout(io.StringIO()), ThreadPoolExecutor(number) as pool:
        results = list(pool.map(collect, range(number)))
    print("\n".join(json.dumps(result) for result in results))
