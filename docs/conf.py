"""How Sphinx builds the guide; `make docs` runs it, and a warning is an error."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

project = "grc_fast"
author = "The grc_fast developers"
project_copyright = "2026, The grc_fast developers"
release = version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "version"
]

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "grc_fast"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

numpydoc_show_class_members = False  # autodoc lists them already
autodoc_typehints = "none"  # the docstrings say types in words, with shapes, units and nulls
autodoc_member_order = "bysource"
default_role = "py:obj"  # a name in single backticks links to what it names
