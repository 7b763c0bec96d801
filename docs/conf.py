"""Sphinx: the documentation, in Markdown and notebooks. Build it with `make docs`."""

from importlib.metadata import version as installed_version

project = "apportion"
copyright = "the apportion authors"
version = release = installed_version("apportion")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "apportion"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Notebooks are committed with their outputs; the tests run them.
nb_execution_mode = "off"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
# Attributes of a class are also its members: a list of them, no second entries.
napoleon_use_ivar = True
