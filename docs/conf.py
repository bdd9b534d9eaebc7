"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from outlive import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "outlive"
author = "The outlive maintainers"
release = version = __version__
_SOURCE = "https://github.com/outlive-cache/outlive"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
nitpicky = False  # types of the stubs, such as ParamSpecs, have no page

html_theme = "furo"
html_title = "outlive"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../llms.txt"]
html_copy_source = False
html_theme_options = {
    "source_repository": _SOURCE,
    "source_branch": "main",
    "source_directory": "docs/",
}

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
copybutton_prompt_text = "$ "

autoclass_content = "both"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_custom_sections = [("Options", "params_style")]

_ROOT = Path(__file__).resolve().parents[1]
#: Pages that show a file of the repository.
_FILES = {"changes": "CHANGELOG.md", "contributing": "CONTRIBUTING.md", "security": "SECURITY.md"}


def _show_file(_app: Sphinx, page: str, source: list[str]) -> None:
    """Show the file of the repository that a page stands for, its links as the site has them."""
    if page in _FILES:
        text = (_ROOT / _FILES[page]).read_text(encoding="utf-8")
        for name, file in _FILES.items():
            text = text.replace(f"]({file})", f"]({name}.md)")
        source[0] = text.replace("](docs/", "](")


def setup(app: Sphinx) -> None:
    """Connect what is ours."""
    app.connect("source-read", _show_file)
