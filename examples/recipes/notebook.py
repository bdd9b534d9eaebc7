"""A notebook, run twice by nbclient with new kernels: the second run asks for nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Run the notebook beside this file here, and show what its last cell prints."""
    text = Path(__file__).with_suffix(".ipynb").read_text(encoding="utf-8")
    read: Any = nbformat.reads
    resources = {"metadata": {"path": os.getcwd()}}
    for _ in range(2):
        notebook = read(text, as_version=4)
        NotebookClient(notebook, timeout=60, resources=resources).execute()
        outputs = notebook.cells[-1].outputs
        print(*[output["text"].strip() for output in outputs if output.get("name") == "stdout"])


if __name__ == "__main__":
    main()
