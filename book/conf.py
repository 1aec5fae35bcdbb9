"""Sphinx settings of the book, one file for both languages.

``tools/build_html.py`` runs it once per language with the tag ``en`` or ``zh`` and
the folder of that language's notebooks. Nothing here executes a notebook.
"""

import sys
from pathlib import Path

# Where the built book is to be read: "https://<owner>.github.io/<name>". Canonical
# addresses and the map for search engines need it; while it is empty there are none.
ADDRESS = ""

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from pages import rows  # noqa: E402

chinese = tags.has("zh")  # noqa: F821  (Sphinx defines tags)
words = {key: zh if chinese else en for key, en, zh in rows("words.tsv")}
spoken = ("copy", "wrap", "agrees", "differs", "progress", "continue")
spoken += ("search", "close", "found", "nothing")
scripts = sorted(path.name for path in HERE.glob("theme/*.js"))

language = "zh_CN" if chinese else "en"
project = html_title = words["title"]
author = ""
extensions = ["myst_nb", "reader", "notes", "pages", "mathml", "launch", "search"]
source_suffix = {".ipynb": "myst-nb"}
root_doc = "index"
nitpicky = True
exclude_patterns = ["zh", "**.ipynb_checkpoints"]
suppress_warnings = ["toc.not_included"]  # the exercises: their lessons link them

nb_execution_mode = "off"  # the stored outputs are the checked ones
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "reader.jupyterlab_slug"
myst_update_mathjax = False

html_theme = "theme"
html_theme_path = ["."]
html_static_path = ["theme/book.css", *(f"theme/{name}" for name in scripts)]
html_js_files = [(name, {"defer": "defer"}) for name in scripts]
html_math_renderer = "mathml"
html_permalinks_icon = "#"
html_scaled_image_link = False
html_copy_source = False
html_use_index = html_domain_indices = False
html_context = {
    "address": ADDRESS.rstrip("/"),
    "script_words": {key: words[key] for key in spoken},
    "words": words,
}
