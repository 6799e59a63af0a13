"""The documentation site: `sphinx-build -W docs dist/docs`. Notebooks run when TANLU_NOTEBOOKS=1."""

import os
import sys
from importlib import metadata
from pathlib import Path

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # for `!tanlu …`

project = "tanlu"
author = "The tanlu developers"
project_copyright = author
release = metadata.version("tanlu")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"tanlu 探路 {release}"
exclude_patterns = ["pictures/**", "regions/**", "study.schema.json", "course/**", "samples/**"]
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
napoleon_google_docstring = True
nb_execution_mode = "force" if os.environ.get("TANLU_NOTEBOOKS") else "off"
nb_execution_in_temp = True
nb_execution_timeout = 1200
nb_execution_raise_on_error = True
