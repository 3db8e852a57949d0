"""Settings of the documentation site; `make docs` builds it from what sim/documents/site.py lays out."""

project = "cardbreak"
author = "The cardbreak developers"
extensions = ["myst_parser"]
root_doc = "index"
source_suffix = {".md": "markdown"}
exclude_patterns = []

# Headings are linked to as GitHub names them; what does not resolve is a warning, which ends the build.
myst_heading_anchors = 4
myst_url_schemes = ["http", "https"]

html_theme = "furo"
html_title = "cardbreak"
html_show_sourcelink = False
html_copy_source = False
# The theme brings all that it needs: the site opens from a disk without a network.
